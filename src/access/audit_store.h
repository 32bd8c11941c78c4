#pragma once

#include <string>
#include <vector>

#include "access/audit_chain.h"
#include "ports/database.h"

/// The audit log in the database: the functions of the schema yellow_access, for the login of ServiceRole::kAccess. All
/// throw base::Error.
namespace yellow::access {

/// Writes a record, chained later, in the session's transaction. `details` is JSON, an object. Any of Yellow's own
/// logins may. Returns its id.
int64_t AddRecord(ports::Session& session, const std::string& person, const std::string& action,
                  const std::string& subject, const JsonValue::Object& details);

/// Who calls in this session from now on, os:alice or oidc:alice@example.com: each record that it writes has it among
/// its details as `identity`. For the login of ServiceRole::kAccess alone; of others the database does not believe it.
void SetIdentity(ports::Session& session, const std::string& identity);

/// The end of the chain as the database knows it.
struct StoredHead {
  std::string chain;
  Head head;
  // By the database's clock.
  int64_t unchained = 0;       ///< records that wait; of ReadHead only, as the next two
  double waits = 0;            ///< seconds that the oldest of them has waited
  std::string at = {};         ///< now, RFC 3339
  std::string a_day_ago = {};  ///< as the times of records; of LockHead only
};
StoredHead ReadHead(ports::Session& session);
/// Holds it until the transaction ends; nothing while another writer does.
std::optional<StoredHead> LockHead(ports::Session& session);

/// A record of the database; its head is that of no chain while it waits.
struct StoredRecord {
  AuditRecord record;
  std::optional<Head> head;
};
std::vector<StoredRecord> ReadUnchained(ports::Session& session, int most);
/// Chained ones in their order, after a number.
std::vector<StoredRecord> ReadChained(ports::Session& session, int64_t after, int most);
/// In any order.
std::vector<StoredRecord> ReadRecords(ports::Session& session, const std::vector<int64_t>& ids);

/// Says that these records follow the end of the chain. Throws base::Error, retryable, when they do not.
void MarkChained(ports::Session& session, const std::vector<int64_t>& ids, const std::vector<Head>& heads);
/// Goes on behind what stands in the files.
void ResumeAfter(ports::Session& session, const Head& head);

/// What became of the anchors of one place.
struct AnchorState {
  std::string target;
  int64_t sequence = 0;
  std::string at, failure;  ///< RFC 3339, or empty: never; empty: the last attempt succeeded
};
std::vector<AnchorState> ReadAnchorStates(ports::Session& session);
/// `failure` empty: it was noted.
void SaveAnchorState(ports::Session& session, const std::string& target, int64_t sequence, const std::string& failure);

}  // namespace yellow::access
