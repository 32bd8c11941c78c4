#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "run/context.h"

namespace yellow::run {

/// Unique for ever: milliseconds and chance, in hexadecimal digits.
std::string NewRunId(const Effects& effects);
/// When NewRunId made it; nothing for any other text.
std::optional<ports::TimePoint> MadeAt(const std::string& run_id);

/// The login of one run. Each step may be repeated, in the order open, disable, end, drop (SECURITY 1).
class RunLogin {
 public:
  /// `engine` must outlive it. Nothing is done yet.
  RunLogin(const Effects& effects, ports::Session& engine, std::string prefix, std::string run_id);

  /// Makes the login with a fresh password, a member of the workspace's readers and of the transformer's writers.
  base::Secret Open(const std::string& workspace, int64_t valid_seconds);
  /// Makes a login that nobody can log in with before OpenMadeAhead, which has to come within `valid`.
  base::Secret MakeAhead(std::chrono::seconds valid);
  /// As Open, for one that MakeAhead has made, with the password that it gave. Throws what is retryable when it is
  /// gone.
  void OpenMadeAhead(const std::string& workspace, int64_t valid_seconds);
  /// Makes a login of no group, for a try: what it may use is granted to itself.
  base::Secret OpenAlone(int64_t valid_seconds);
  /// No new sessions, none left, and nothing that a forgotten transaction could still write.
  void Quiesce();
  void Drop();
  std::string name() const;

 private:
  /// `verifier`: of its password; nothing for one that was made ahead.
  void OpenWith(const std::optional<std::string>& verifier, const std::optional<std::string>& readers,
                const std::optional<std::string>& writers, int64_t valid_seconds);
  void RollBackPrepared();

  const Effects& effects_;
  ports::Session& engine_;
  std::string prefix_;
  std::string run_id_;
};

/// Ends and drops the logins of runs that are not open any more, of one transformer or (empty) of all, and those made
/// ahead that nobody has taken in time; returns how many.
int DropOrphanLogins(const Effects& effects, ports::Session& engine, const std::string& prefix,
                     const std::string& transformer = "");

}  // namespace yellow::run
