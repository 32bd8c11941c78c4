#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "access/recording_facts.h"
#include "access/request.h"
#include "ports/database.h"

namespace yellow::access {

/// The requests of one merge database. Each call is one transaction of the database's own functions, which move by
/// compare-and-set and write the audit record; what they refuse is a base::Error whose sqlstate is 42501 (not for this
/// person), 55000 (not as things are now) or P0002 (no such request). On a session of Yellow's login for access.
class Store {
 public:
  Store(ports::Session& session, std::string container) : session_(session), container_(std::move(container)) {}

  /// All of them with their votes, sessions and reviews, the newest first.
  std::vector<Request> All();
  std::optional<Request> Find(const std::string& id);
  /// Without its votes, sessions, flags, review and operation: for who looks often.
  std::optional<Request> Look(const std::string& id);

  void Ask(const std::string& id, const Content& content, int approvers, int64_t lapses_in_seconds);
  void Edit(const std::string& id, const std::string& editor, const Content& content);
  void Vote(const std::string& id, const std::string& voter, const std::string& hash, bool approves,
            const std::string& note);
  void Withdraw(const std::string& id, const std::string& asker);
  void Lapse(const std::string& id);
  /// `seniors`: who may approve it now.
  void Activate(const std::string& id, const std::string& asker, const std::string& hash,
                const std::vector<std::string>& seniors);
  /// `end`: kExpired, kRevoked or kReleased.
  void Finish(const std::string& id, const std::string& who, RequestState end, const std::string& why);
  void Disabled(const std::string& id, int sessions_ended);
  void Dropped(const std::string& id, int64_t review_within_seconds);
  void Judge(const std::string& id, const std::string& reviewer, bool accepts, const std::string& sentence);

  void SessionBegan(const std::string& session, const std::string& request, const std::string& recording,
                    const std::string& holder);
  /// With its sealed files, as far as they are there. Does nothing when it has ended.
  void SessionEnded(const std::string& session, const std::string& why, const std::optional<RecordingFacts>& recording,
                    const std::optional<RecordingFacts>& statements);

  /// A session that nobody has ended.
  struct OpenSession {
    std::string id, request, recording, holder;
    bool is_over = false;   ///< it must have ended long ago
    std::string processes;  ///< of the server that served it, as an array
  };
  std::vector<OpenSession> OpenSessions();
  std::vector<Statement> Statements(const std::string& request);
  /// Records that somebody has read the facts of what was stated under a request.
  void FactsRead(const std::string& who, const std::string& request);
  /// The same of a report on these days.
  void ReportRead(const std::string& who, const std::string& from, const std::string& to);

  std::vector<Evidence> EvidenceOf(const std::string& request);
  /// Records that somebody is given this file, and refuses who was recorded in it.
  void EvidenceRead(const std::string& who, const std::string& request, const Evidence& evidence);
  /// The files of a session that are kept no longer.
  struct DueEvidence {
    std::string session, recording, statements;
    bool may_go = false;  ///< that they go is in the chain; else it has to be recorded first
  };
  std::vector<DueEvidence> DueEvidenceOf(int64_t kept_seconds);
  void DeleteEvidence(const std::string& session);

  /// What has to be ended or taken away now.
  struct Due {
    std::string request;
    RequestState state;
  };
  std::vector<Due> WhatIsDue();

 private:
  ports::Session& session_;
  std::string container_;
};

}  // namespace yellow::access
