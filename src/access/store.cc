#include "access/store.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "sql/statement.h"

namespace yellow::access {
namespace {

/// As RFC 3339 in UTC, empty when it is null.
std::string Time(const std::string& column) { return "coalesce(" + sql::Rfc3339(column) + ", '')"; }

const std::string& Requests() {
  static const std::string kText =
      "SELECT id, person, scope, seconds, ticket, reason, array_to_string(grants, ' '), content_hash, approvers, "
      "state, " +
      Time("requested_at") + ", " + Time("lapses_at") + ", " + Time("activated_at") + ", " + Time("expires_at") + ", " +
      Time("ended_at") + ", " + Time("review_due_at") +
      ", end_reason, state = 'in_review' AND review_due_at < clock_timestamp(), CASE WHEN state = 'active' THEN "
      "greatest(0, ceil(extract(epoch FROM expires_at - clock_timestamp())))::bigint ELSE 0 END, kind, "
      "coalesce(ceil(extract(epoch FROM coalesce(ended_at, clock_timestamp()) - activated_at)), 0)::bigint, "
      "coalesce(greatest(0, extract(epoch FROM coalesce(reviewed_at, clock_timestamp()) - review_due_at)), 0)::bigint, "
      "revoked, salt, parameters "
      "FROM yellow_access.requests() LEFT JOIN (SELECT request, at AS reviewed_at FROM yellow_access.reviews()) v "
      "ON request = id WHERE $1 = '' OR id = $1";
  return kText;
}

const std::string& Votes() {
  static const std::string kText = "SELECT request, person, content_hash, approves, note, " + Time("at") +
                                   " FROM yellow_access.votes() WHERE $1 = '' OR request = $1";
  return kText;
}

const std::string& Sessions() {
  static const std::string kText = "SELECT id, request, " + Time("began_at") + ", " + Time("ended_at") +
                                   ", end_reason, recording, coalesce(bytes, 0), coalesce(sha256, '') "
                                   "FROM yellow_access.sessions() WHERE $1 = '' OR request = $1";
  return kText;
}

const std::string& Reviews() {
  static const std::string kText = "SELECT request, person, accepts, sentence, " + Time("at") +
                                   " FROM yellow_access.reviews() WHERE $1 = '' OR request = $1";
  return kText;
}

constexpr const char* kFlags = "SELECT request, flag, times FROM yellow_access.flags($1)";

constexpr const char* kStatementCounts = "SELECT request, times FROM yellow_access.statement_counts($1)";

const std::string& Operations() {
  static const std::string kText =
      "SELECT request, state, " + Time("began_at") + ", " + Time("ended_at") +
      ", outcome, CASE WHEN space_given_back_at IS NOT NULL THEN 'given_back' WHEN space_tables "
      "<> '{}' AND state = 'done' THEN 'owed' ELSE 'none' END, " +
      Time("space_given_back_at") + " FROM yellow_access.operations() WHERE $1 = '' OR request = $1";
  return kText;
}

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

RequestState StateOf(const std::string& word) {
  const auto state = RequestStateOf(word);
  if (!state)
    throw base::Error("access_state",
                      "a newer yellow has put a request into a state that this one does not know: " + word);
  return *state;
}

RequestKind KindOf(const std::string& word) {
  const auto kind = RequestKindOf(word);
  if (!kind)
    throw base::Error("access_kind",
                      "a newer yellow has made a request of a kind that this one does not know: " + word);
  return *kind;
}

/// As the database has them: a JSON object of texts.
std::string JsonOf(const std::map<std::string, std::string>& parameters) { return nlohmann::json(parameters).dump(); }

std::map<std::string, std::string> ParametersOf(const std::string& json) {
  return nlohmann::json::parse(json).get<std::map<std::string, std::string>>();
}

Request RequestOf(const ports::Rows& rows, size_t i, const std::string& container) {
  Request one;
  one.container = container;
  one.id = rows.Text(i, 0);
  one.content = {rows.Text(i, 1),
                 rows.Text(i, 2),
                 rows.Integer(i, 3),
                 rows.Text(i, 4),
                 rows.Text(i, 5),
                 Words(rows.Text(i, 6)),
                 KindOf(rows.Text(i, 19)),
                 {},
                 {}};
  one.content_hash = rows.Text(i, 7);
  one.approvers = static_cast<int>(rows.Integer(i, 8));
  one.state = StateOf(rows.Text(i, 9));
  one.requested_at = rows.Text(i, 10), one.lapses_at = rows.Text(i, 11), one.activated_at = rows.Text(i, 12);
  one.expires_at = rows.Text(i, 13), one.ended_at = rows.Text(i, 14), one.review_due_at = rows.Text(i, 15);
  one.end_reason = rows.Text(i, 16);
  one.review_overdue = !rows.IsNull(i, 17) && rows.Boolean(i, 17);
  one.seconds_left = rows.Integer(i, 18);
  one.seconds_used = rows.Integer(i, 20), one.seconds_late = rows.Integer(i, 21);
  one.revoked = rows.Boolean(i, 22);
  one.content.salt = rows.Text(i, 23);
  one.content.parameters = ParametersOf(rows.Text(i, 24));
  return one;
}

std::vector<Request> Read(ports::Session& session, const std::string& container, const std::string& id) {
  const std::vector<ports::Rows> read = session.ExecuteAll({{Requests(), {id}},
                                                            {Votes(), {id}},
                                                            {Sessions(), {id}},
                                                            {Reviews(), {id}},
                                                            {kFlags, {id}},
                                                            {kStatementCounts, {id}},
                                                            {Operations(), {id}}});
  std::vector<Request> requests;
  for (size_t i = 0; i < read[0].size(); ++i) requests.push_back(RequestOf(read[0], i, container));
  const auto of = [&](const std::string& request) {
    return std::find_if(requests.begin(), requests.end(), [&](const Request& one) { return one.id == request; });
  };
  for (size_t i = 0; i < read[1].size(); ++i) {
    const ports::Rows& votes = read[1];
    if (const auto one = of(votes.Text(i, 0)); one != requests.end())
      one->votes.push_back(
          {one->id, votes.Text(i, 1), votes.Text(i, 2), votes.Boolean(i, 3), votes.Text(i, 4), votes.Text(i, 5)});
  }
  for (size_t i = 0; i < read[2].size(); ++i) {
    const ports::Rows& sessions = read[2];
    if (const auto one = of(sessions.Text(i, 1)); one != requests.end())
      one->sessions.push_back({sessions.Text(i, 0), one->id, sessions.Text(i, 2), sessions.Text(i, 3),
                               sessions.Text(i, 4), sessions.Text(i, 5), sessions.Integer(i, 6), sessions.Text(i, 7)});
  }
  for (size_t i = 0; i < read[3].size(); ++i) {
    const ports::Rows& reviews = read[3];
    if (const auto one = of(reviews.Text(i, 0)); one != requests.end())
      one->review = Review{one->id, reviews.Text(i, 1), reviews.Boolean(i, 2), reviews.Text(i, 3), reviews.Text(i, 4)};
  }
  for (size_t i = 0; i < read[4].size(); ++i) {
    const ports::Rows& flags = read[4];
    if (const auto one = of(flags.Text(i, 0)); one != requests.end())
      one->flags.push_back({flags.Text(i, 1), flags.Integer(i, 2)});
  }
  for (size_t i = 0; i < read[5].size(); ++i) {
    if (const auto one = of(read[5].Text(i, 0)); one != requests.end()) one->statements = read[5].Integer(i, 1);
  }
  for (size_t i = 0; i < read[6].size(); ++i) {
    const ports::Rows& operations = read[6];
    if (const auto one = of(operations.Text(i, 0)); one != requests.end())
      one->operation = OperationRun{one->id,
                                    operations.Text(i, 1),
                                    operations.Text(i, 2),
                                    operations.Text(i, 3),
                                    operations.Text(i, 4),
                                    operations.Text(i, 5),
                                    operations.Text(i, 6)};
  }
  return requests;
}

}  // namespace

std::vector<Request> Store::All() { return Read(session_, container_, ""); }

std::optional<Request> Store::Find(const std::string& id) {
  if (id.empty()) return std::nullopt;
  std::vector<Request> found = Read(session_, container_, id);
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::optional<Request> Store::Look(const std::string& id) {
  const ports::Rows rows = session_.Execute({Requests(), {id}});
  return rows.empty() ? std::nullopt : std::optional(RequestOf(rows, 0, container_));
}

void Store::Ask(const std::string& id, const Content& content, int approvers, int64_t lapses_in_seconds) {
  session_.Execute(
      {"SELECT yellow_access.ask($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
       {id, content.person, content.scope, std::to_string(content.seconds), content.ticket, content.reason,
        sql::TextArray(content.grants), HashOf(content), std::to_string(approvers), std::to_string(lapses_in_seconds),
        std::string(Word(content.kind)), JsonOf(content.parameters), content.salt}});
}

void Store::Edit(const std::string& id, const std::string& editor, const Content& content) {
  session_.Execute({"SELECT yellow_access.edit($1, $2, $3, $4, $5, $6, $7, $8)",
                    {id, editor, std::to_string(content.seconds), content.ticket, content.reason, HashOf(content),
                     JsonOf(content.parameters), content.salt}});
}

void Store::Vote(const std::string& id, const std::string& voter, const std::string& hash, bool approves,
                 const std::string& note) {
  session_.Execute({"SELECT yellow_access.vote($1, $2, $3, $4, $5)", {id, voter, hash, approves ? "t" : "f", note}});
}

void Store::Withdraw(const std::string& id, const std::string& asker) {
  session_.Execute({"SELECT yellow_access.withdraw($1, $2)", {id, asker}});
}

void Store::Lapse(const std::string& id) { session_.Execute({"SELECT yellow_access.lapse($1)", {id}}); }

void Store::Activate(const std::string& id, const std::string& asker, const std::string& hash,
                     const std::vector<std::string>& seniors) {
  session_.Execute({"SELECT yellow_access.activate($1, $2, $3, $4)", {id, asker, hash, sql::TextArray(seniors)}});
}

void Store::Finish(const std::string& id, const std::string& who, RequestState end, const std::string& why) {
  session_.Execute({"SELECT yellow_access.finish($1, $2, $3, $4)", {id, who, std::string(Word(end)), why}});
}

void Store::Disabled(const std::string& id, int sessions_ended) {
  session_.Execute({"SELECT yellow_access.disabled($1, $2)", {id, std::to_string(sessions_ended)}});
}

void Store::Dropped(const std::string& id, int64_t review_within_seconds) {
  session_.Execute({"SELECT yellow_access.dropped($1, $2)", {id, std::to_string(review_within_seconds)}});
}

void Store::Judge(const std::string& id, const std::string& reviewer, bool accepts, const std::string& sentence) {
  session_.Execute({"SELECT yellow_access.judge($1, $2, $3, $4)", {id, reviewer, accepts ? "t" : "f", sentence}});
}

void Store::SessionBegan(const std::string& session, const std::string& request, const std::string& recording,
                         const std::string& holder) {
  session_.Execute({"SELECT yellow_access.session_began($1, $2, $3, $4)", {session, request, recording, holder}});
}

std::vector<Store::OpenSession> Store::OpenSessions() {
  const ports::Rows rows =
      session_.Execute("SELECT id, request, recording, holder, is_over, processes FROM yellow_access.open_sessions()");
  std::vector<OpenSession> open;
  for (size_t i = 0; i < rows.size(); ++i)
    open.push_back(
        {rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 2), rows.Text(i, 3), rows.Boolean(i, 4), rows.Text(i, 5)});
  return open;
}

void Store::SessionEnded(const std::string& session, const std::string& why,
                         const std::optional<RecordingFacts>& recording,
                         const std::optional<RecordingFacts>& statements) {
  ports::Transaction transaction(session_);
  if (statements)
    session_.Execute({"SELECT yellow_access.statements_kept($1, $2, $3)",
                      {session, std::to_string(statements->bytes), statements->sha256}});
  session_.Execute(
      {"SELECT yellow_access.session_ended($1, $2, $3, $4)",
       {session, why, std::to_string(recording ? recording->bytes : 0), recording ? recording->sha256 : ""}});
  transaction.Commit();
}

std::vector<Statement> Store::Statements(const std::string& request) {
  const ports::Rows rows =
      session_.Execute({"SELECT session, " + Time("at") + ", fact FROM yellow_access.statements($1)", {request}});
  std::vector<Statement> statements;
  for (size_t i = 0; i < rows.size(); ++i) statements.push_back({rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 2)});
  return statements;
}

void Store::FactsRead(const std::string& who, const std::string& request) {
  session_.Execute(
      {"SELECT yellow_access.audit_add($1, 'access.read', '', $2, '{\"what\": \"facts\"}'::jsonb)", {who, request}});
}

void Store::ReportRead(const std::string& who, const std::string& from, const std::string& to) {
  session_.Execute(
      {"SELECT yellow_access.audit_add($1, 'access.read', $2, '', jsonb_build_object('what', 'report', 'from', "
       "$3::text, 'to', $4::text))",
       {who, container_, from, to}});
}

std::vector<Evidence> Store::EvidenceOf(const std::string& request) {
  const ports::Rows rows = session_.Execute(
      {"SELECT session, what, file, bytes, sha256, " + Time("deleted_at") + " FROM yellow_access.evidence($1)",
       {request}});
  std::vector<Evidence> evidence;
  for (size_t i = 0; i < rows.size(); ++i)
    evidence.push_back(
        {rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 2), rows.Integer(i, 3), rows.Text(i, 4), rows.Text(i, 5)});
  return evidence;
}

void Store::EvidenceRead(const std::string& who, const std::string& request, const Evidence& evidence) {
  session_.Execute({"SELECT yellow_access.evidence_read($1, $2, $3, $4, $5)",
                    {who, request, evidence.session, evidence.what, evidence.sha256}});
}

std::vector<Store::DueEvidence> Store::DueEvidenceOf(int64_t kept_seconds) {
  const ports::Rows rows =
      session_.Execute({"SELECT session, recording, statements, may_go FROM yellow_access.evidence_due($1)",
                        {std::to_string(kept_seconds)}});
  std::vector<DueEvidence> due;
  for (size_t i = 0; i < rows.size(); ++i)
    due.push_back({rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 2), rows.Boolean(i, 3)});
  return due;
}

void Store::DeleteEvidence(const std::string& session) {
  session_.Execute({"SELECT yellow_access.evidence_delete($1)", {session}});
}

std::vector<Store::Due> Store::WhatIsDue() {
  const ports::Rows rows = session_.Execute("SELECT request, state FROM yellow_access.due()");
  std::vector<Due> due;
  for (size_t i = 0; i < rows.size(); ++i) due.push_back({rows.Text(i, 0), StateOf(rows.Text(i, 1))});
  return due;
}

}  // namespace yellow::access
