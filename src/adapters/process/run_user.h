#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>

/// Users that code of transformers runs as: numbers that no account has, one for each run, so that the code can neither
/// read what is Yellow's or another run's nor signal it. Only root may give them.
namespace yellow::adapters::process {

/// The numbers that runs are given: those that systemd, too, gives to services for as long as they run.
inline constexpr uid_t kFirstRunUser = 61184, kLastRunUser = 65519;

/// Why this process cannot give them, as the rest of a sentence; empty when it can.
std::string WhyNoRunUser();

/// One that is not in `taken`, has no account and no process. Throws base::Error when there is none.
uid_t ChooseRunUser(const std::set<uid_t>& taken);

/// Becomes that user and its group for good, with no other group, no capability and no way to get any; false when it
/// cannot. Async-signal-safe.
bool BecomeRunUser(uid_t user);

/// SIGKILL to every process of that user at once. Async-signal-safe; waits for a child of its own.
void KillAllOf(uid_t user);

/// The same until none is left; false when some do not end within two seconds.
bool EndAllOf(uid_t user);

/// True when that user may execute this file, or enter this folder.
bool MayExecute(uid_t user, const std::string& path);

}  // namespace yellow::adapters::process
