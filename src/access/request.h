#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/state.h"

namespace yellow::access {

/// A break-glass is for an emergency: short, approved by two, told to everybody, reviewed within an hour (SECURITY 3).
enum class RequestKind { kRegular, kBreakGlass };
std::string_view Word(RequestKind kind);  ///< as in yellow_access.request.kind
std::optional<RequestKind> RequestKindOf(std::string_view word);

/// What somebody asks for. An approval is for exactly this.
struct Content {
  std::string person;   ///< of the model
  std::string scope;    ///< dt_write:MaskShop
  int64_t seconds = 0;  ///< from its activation on
  std::string ticket;
  std::string reason;
  std::vector<std::string> grants;  ///< groups that its login is to be a member of
  RequestKind kind = RequestKind::kRegular;
  /// What an operation is to be done with: `{"dataset": "Shop.customers", "key": …}`; empty for all else.
  std::map<std::string, std::string> parameters = {};
  /// Random, when there are parameters: the audit log keeps the hash of a content for ever, and nobody shall find out
  /// from it what was in parameters that are forgotten.
  std::string salt = {};
  bool operator==(const Content&) const = default;
};

/// SHA-256 over all of it, as 64 hexadecimal digits; two contents that differ in any way have different ones.
std::string HashOf(const Content& content);

struct Vote {
  std::string request;
  std::string person;
  std::string content_hash;
  bool approves = false;
  std::string note;
  std::string at;  ///< RFC 3339, as every time below
};

/// A terminal session under a request.
struct AccessSession {
  std::string id;
  std::string request;
  std::string began_at;
  std::string ended_at;  ///< empty: it goes on
  std::string end_reason;
  std::string recording;  ///< its file, in the data folder of the service
  int64_t bytes = 0;      ///< of the recording, once it has ended
  std::string sha256;
};

/// The file of what was asked of the database in a session, which lies beside its recording.
std::string StatementsOf(const std::string& recording);

/// A sealed file of a session, as the audit log has bound it.
struct Evidence {
  std::string session;
  std::string what;  ///< recording: the terminal; statements: what was asked of the database
  std::string file;  ///< in the data folder of the service
  int64_t bytes = 0;
  std::string sha256;
  std::string deleted_at;  ///< empty: it is kept
};

/// Something that was asked of the database in a session, as the audit log has it.
struct Statement {
  std::string session;
  std::string at;
  std::string fact;  ///< a JSON object: kind, client, number, sizes, digests, names, flags
};

struct FlagCount {
  std::string flag;
  int64_t times = 0;
};

struct Review {
  std::string request;
  std::string person;
  bool accepts = false;
  std::string sentence;
  std::string at;
};

/// What Yellow does under a request for an operation.
struct OperationRun {
  std::string request;
  std::string state;                ///< due, begun, done or failed
  std::string began_at, ended_at;   ///< empty: not yet
  std::string outcome;              ///< a JSON object: figures, and why it failed
  std::string space;                ///< of the rows that it has removed: none, owed or given_back
  std::string space_given_back_at;  ///< empty: not yet
};

struct Request {
  std::string id;  ///< 16 hexadecimal digits
  std::string container;
  Content content;
  std::string content_hash;
  int approvers = 1;
  RequestState state = RequestState::kPending;
  std::string requested_at, lapses_at;
  std::string activated_at, expires_at, ended_at, review_due_at;  ///< empty: not yet
  std::string end_reason;
  bool revoked = false;  ///< it was ended by a senior
  bool review_overdue = false;
  int64_t seconds_left = 0;  ///< while it is active; by the database's clock, as those below
  int64_t seconds_used = 0;  ///< since its activation, until its end or now
  int64_t seconds_late = 0;  ///< of its review, or of now while there is none; 0: in time
  int64_t statements = 0;    ///< that were sent under it
  std::vector<Vote> votes;
  std::vector<AccessSession> sessions;
  std::vector<FlagCount> flags;  ///< what a reviewer looks at first
  std::optional<Review> review;
  std::optional<OperationRun> operation;
};

/// The end_reason of a request that its person has given back, and of the sessions that this ends.
std::string GivenBackBy(const std::string& person);

}  // namespace yellow::access
