#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/audit_store.h"
#include "ports/audit_log.h"
#include "ports/database.h"
#include "ports/entropy.h"
#include "ports/files.h"

namespace yellow::access {

struct AuditEffects {
  ports::Connector& connector;
  ports::Endpoints& endpoints;
  ports::Entropy& entropy;
  ports::FileSystem& files;
  ports::AuditLog& log;
};

/// Where the audit log of one merge database is written.
struct AuditPlace {
  std::string container;
  std::string data;     ///< the data folder of the project
  std::string project;  ///< to which the paths of anchors are relative
  std::vector<model::AnchorTarget> anchors;
};

/// `<data>/audit/<container>-<the first eight digits of the chain's id>`: another database is another chain.
std::string FolderOf(const AuditPlace& place, const std::string& chain);

/// The key that segments and anchors are signed with, `<data>/secrets/audit_key`; nothing while nobody has signed.
std::optional<base::Secret> ReadKey(ports::FileSystem& files, const std::string& data);

/// What one pass did.
struct Chained {
  enum class Outcome {
    kDone,
    kBusy,      ///< another writer is at it
    kElsewhere  ///< the files here end before the chain does: it is written somewhere else, or they were cut
  };
  Outcome outcome = Outcome::kDone;
  int64_t records = 0;  ///< put into the chain
  bool closed = false;  ///< a segment
  bool more = false;    ///< records wait that did not fit into this pass
  std::string folder;
  Head head;         ///< of the files
  Head behind = {};  ///< kElsewhere: the head in the database
};

/// What a writer knows of the files' end; it is read again when somebody else has written.
struct AuditTail {
  std::string folder;
  int segment = 0;
  uint64_t size = 0;
  int64_t count = 0;  ///< records in the newest segment
  std::string first_at;
  bool closed = false;
  Head head;
};

/// Puts the records that wait into the chain: reads them, writes their lines to the newest segment, and then marks them
/// in the transaction in which it holds the end of the chain. Who is killed in between has written lines that the
/// database does not know; the next pass, of whoever, knows them again by their records. A line of which only the
/// beginning was written is set aside, which is a record. Where the database is older than the files, as after a
/// restore, the chain goes on behind what stands in them, which is a record too. One thread at a time.
class AuditWriter {
 public:
  AuditWriter(const AuditEffects& effects, AuditPlace place);

  /// `close`: ends the newest segment, so that what it holds is signed. Throws base::Error; the next pass begins anew.
  Chained Pass(bool close);

  /// Notes the end of the chain at every anchor. What went wrong, by place; it is kept in the database too. Throws
  /// base::Error of the database only.
  std::map<std::string, std::string> NoteAnchors(const Chained& chained);

  /// Opened when needed.
  ports::Session& session();
  /// The connection was lost.
  void Forget();

 private:
  void ReadTail(const std::string& folder);
  void SetHalfAside(const std::string& folder, int segment, std::string_view half, uint64_t size);
  std::vector<ChainedRecord> RecordsAfter(const std::string& folder, int64_t sequence);
  StoredHead CatchUp(ports::Session& session, const std::string& folder, const StoredHead& stored);
  void Chain(ports::Session& session, const std::string& folder, Chained& chained);
  void CloseSegment(const std::string& folder, const std::string& chain);
  const base::Secret& Key();

  const AuditEffects effects_;
  const AuditPlace place_;
  std::unique_ptr<ports::Session> session_;
  std::optional<base::Secret> key_;
  std::optional<AuditTail> tail_;
};

}  // namespace yellow::access
