#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/program.h"
#include "load/load.h"

namespace yellow::cli {

/// The options that every command takes.
struct Options {
  std::string project;  ///< empty: here or the nearest parent with model/
  std::string environment = "local";
  std::string data;  ///< empty: .yellow in the project
  bool json = false;
};

/// Where a command tells people what it does: beside its output, so that a program that reads that finds nothing else.
std::ostream& Narration(const Program& program, const Options& options);

/// A project as its files are now. `loaded.diagnostics` holds the findings of loader and checks, sorted.
struct Project {
  std::string root;
  std::string data;
  std::string environment;
  load::Files files;   ///< model/ and the environment in use
  std::string digest;  ///< of the files
  load::Loaded loaded;
};

/// Thrown when a command cannot go on because the model, or what it would make of a database, has errors; they were
/// printed for people. Exit status 1.
struct ModelHasErrors {
  std::string text;
  base::Diagnostics errors;
};

/// Reads, loads and checks. Throws UsageError when there is no project.
Project OpenProject(const Program& program, const Options& options);

/// A path that a person wrote, from the working directory; without `.`, `..` and slashes at its end, so that one folder
/// has one name.
std::string AbsolutePath(const Program& program, const std::string& path);

/// Prints the errors (not the warnings) and throws ModelHasErrors if there are any.
void RequireNoErrors(const Program& program, const Project& project);

/// The text of a file of the project, for carets.
base::SourceText TextOf(const load::Files& files);

/// The model of these files, laid out; REQUIRES: no errors in it.
run::Applied Compile(const load::Files& files, const std::string& environment, const std::string& root, int version,
                     const std::string& digest);

/// Digest of a project's files: what makes two models the same.
std::string DigestOf(const load::Files& files);

}  // namespace yellow::cli
