#include "access/audit_store.h"

#include <cstdlib>

#include "base/check.h"
#include "base/error.h"

namespace yellow::access {
namespace {

StoredHead HeadOf(const ports::Rows& rows) { return {rows.Text(0, 0), {rows.Integer(0, 1), rows.Text(0, 2)}, 0, 0}; }

std::vector<StoredRecord> RecordsOf(const ports::Rows& rows) {
  std::vector<StoredRecord> records;
  for (size_t i = 0; i < rows.size(); ++i) {
    StoredRecord& stored = records.emplace_back();
    auto details = ParseJson(rows.Text(i, 6));
    if (!details) throw base::Error("audit", "the details of an audit record are nested too deep: " + rows.Text(i, 0));
    stored.record = {rows.Integer(i, 0), rows.Text(i, 1), rows.Text(i, 2),     rows.Text(i, 3),
                     rows.Text(i, 4),    rows.Text(i, 5), std::move(*details), rows.Text(i, 7)};
    if (!rows.IsNull(i, 8)) stored.head = Head{rows.Integer(i, 8), rows.Text(i, 9)};
  }
  return records;
}

/// A literal of an array of what needs no quotes.
template <typename Items, typename ToText>
std::string ArrayOf(const Items& items, ToText to_text) {
  std::string text = "{";
  for (const auto& item : items) text += (text.size() == 1 ? "" : ",") + to_text(item);
  return text + "}";
}

}  // namespace

int64_t AddRecord(ports::Session& session, const std::string& person, const std::string& action,
                  const std::string& subject, const JsonValue::Object& details) {
  return session
      .Execute({"SELECT yellow_access.audit_add($1, $2, $3, '', $4::jsonb)",
                {person, action, subject, Canonical({details})}})
      .Integer(0, 0);
}

void SetIdentity(ports::Session& session, const std::string& identity) {
  session.Execute({"SELECT set_config('yellow.identity', $1, false)", {identity}});
}

StoredHead ReadHead(ports::Session& session) {
  const ports::Rows rows =
      session.Execute("SELECT chain, sequence, hash, unchained, waits, at FROM yellow_access.audit_head()");
  YELLOW_CHECK(rows.size() == 1);
  StoredHead head = HeadOf(rows);
  head.unchained = rows.Integer(0, 3);
  head.waits = std::strtod(rows.Text(0, 4).c_str(), nullptr);
  head.at = rows.Text(0, 5);
  return head;
}

std::optional<StoredHead> LockHead(ports::Session& session) {
  const ports::Rows rows = session.Execute("SELECT chain, sequence, hash, a_day_ago FROM yellow_access.audit_lock()");
  if (rows.empty()) return std::nullopt;
  StoredHead head = HeadOf(rows);
  head.a_day_ago = rows.Text(0, 3);
  return head;
}

std::vector<StoredRecord> ReadUnchained(ports::Session& session, int most) {
  return RecordsOf(session.Execute({"SELECT * FROM yellow_access.audit_unchained($1::int)", {std::to_string(most)}}));
}

std::vector<StoredRecord> ReadChained(ports::Session& session, int64_t after, int most) {
  return RecordsOf(session.Execute({"SELECT * FROM yellow_access.audit_chained($1::bigint, $2::int)",
                                    {std::to_string(after), std::to_string(most)}}));
}

std::vector<StoredRecord> ReadRecords(ports::Session& session, const std::vector<int64_t>& ids) {
  return RecordsOf(session.Execute({"SELECT * FROM yellow_access.audit_records($1::bigint[])",
                                    {ArrayOf(ids, [](int64_t id) { return std::to_string(id); })}}));
}

void MarkChained(ports::Session& session, const std::vector<int64_t>& ids, const std::vector<Head>& heads) {
  YELLOW_CHECK(!ids.empty() && ids.size() == heads.size());
  session.Execute({"SELECT yellow_access.audit_mark($1::bigint[], $2::bigint, $3::text[])",
                   {ArrayOf(ids, [](int64_t id) { return std::to_string(id); }), std::to_string(heads.front().sequence),
                    ArrayOf(heads, [](const Head& h) { return h.hash; })}});
}

void ResumeAfter(ports::Session& session, const Head& head) {
  session.Execute({"SELECT yellow_access.audit_resume($1::bigint, $2)", {std::to_string(head.sequence), head.hash}});
}

std::vector<AnchorState> ReadAnchorStates(ports::Session& session) {
  const ports::Rows rows = session.Execute("SELECT target, sequence, at, failure FROM yellow_access.audit_anchors()");
  std::vector<AnchorState> states;
  for (size_t i = 0; i < rows.size(); ++i)
    states.push_back({rows.Text(i, 0), rows.Integer(i, 1), rows.Text(i, 2), rows.Text(i, 3)});
  return states;
}

void SaveAnchorState(ports::Session& session, const std::string& target, int64_t sequence, const std::string& failure) {
  session.Execute({"SELECT yellow_access.audit_anchored($1, $2::bigint, nullif($3, ''))",
                   {target, std::to_string(sequence), failure}});
}

}  // namespace yellow::access
