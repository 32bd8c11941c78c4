#pragma once

#include <memory>
#include <string>

#include "cli/project.h"

namespace yellow::cli {

/// A source database of an example, in the private cluster.
struct ExampleSource {
  std::string container;
  std::string script;  ///< makes its tables, in schema public
  std::string table;   ///< one of them: when it is there, the script has run
  std::string login;   ///< may read them; its secret is <data>/secrets/<login>
};

/// Makes a login that may read what is in schema public of a container, unless it is there, with a password that only
/// its file knows: <data>/secrets/<login>. As the superuser of the private cluster.
void MakeReader(const Program& program, ports::Servers& servers, const std::string& data, const std::string& container,
                const std::string& login);

/// Makes tables, unless they are there, and the login. The session is the superuser's. REQUIRES: servers.Prepare has
/// made the database.
std::unique_ptr<ports::Session> MakeExampleSource(const Program& program, ports::Servers& servers,
                                                  const Project& project, const ExampleSource& source);

}  // namespace yellow::cli
