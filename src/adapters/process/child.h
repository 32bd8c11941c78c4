#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/process.h"

namespace yellow::adapters::process {

/// The words as execve(2) takes them, with a null pointer at the end; valid as long as they.
std::vector<char*> Pointers(const std::vector<std::string>& words);

/// A process that is there before the code it is to start and to guard: to fork this program takes a millisecond. It
/// leads a process group of its own, and keeps the file `lock` open for as long as anything of the code is left.
class Guardian {
 public:
  /// `user`: whom the code runs as, if not as this process. Throws base::Error.
  Guardian(std::optional<uid_t> user, int lock);
  ~Guardian();  ///< ends what it guards
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  /// REQUIRES: called once. Throws base::Error. The process is to go before this object.
  std::unique_ptr<ports::Process> Start(const ports::ProcessSpec& spec);

 private:
  const std::optional<uid_t> user_;
  pid_t process_ = -1;  // until Start
  int order_ = -1;      // the socket over which it learns what to start
  int alive_ = -1;      // closed: it ends everything
};

}  // namespace yellow::adapters::process
