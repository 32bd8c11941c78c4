#include "run/notice_store.h"

#include "sql/statement.h"

namespace yellow::run {
namespace {

using model::NoticeEvent;

constexpr NoticeEvent kAllNoticeEvents[] = {NoticeEvent::kHeld, NoticeEvent::kFailed, NoticeEvent::kStale,
                                            NoticeEvent::kAccess};

// How a held batch or a failure has ended is asked of the tables: a view shows the newest batch only.
constexpr const char* kLasting = R"(
SELECT n.id, n.receiver, n.node, n.event, coalesce(
  CASE n.event
  WHEN 'held' THEN (SELECT CASE WHEN b.state NOT IN ('open', 'staged', 'held') THEN format('batch %s %s %s', b.batch, CASE b.state WHEN 'failed' THEN 'has' ELSE 'is' END, b.state) ELSE '' END
                    FROM yellow.batch b WHERE b.stream = n.node AND b.batch = n.batch)
  WHEN 'failed' THEN
    CASE WHEN n.run_id IS NULL
    THEN coalesce((SELECT format('batch %s is committed', min(b.batch)) FROM yellow.batch b
                   WHERE b.stream = n.node AND b.state = 'committed' AND b.batch > n.batch HAVING count(*) > 0), '')
    ELSE coalesce((SELECT format('run %s is committed', r.id) FROM yellow.run r
                   WHERE r.transformer = n.node AND r.state = 'committed' AND r.request IS NULL AND r.closed_at > n.since ORDER BY r.opened_at DESC LIMIT 1), '') END
  ELSE '' END, 'it is forgotten')
FROM yellow.notice n WHERE n.over_at IS NULL ORDER BY n.number)";

constexpr const char* kEndNotices = R"(
WITH ended AS (
  UPDATE yellow.notice SET over_at = clock_timestamp() WHERE over_at IS NULL AND %s
  RETURNING id, receiver, node, event, batch, run_id, since, over_at)
INSERT INTO yellow.notice (receiver, node, event, cause, batch, run_id, reason_code, reason, since, over_at)
SELECT receiver, node, 'over', id, batch, run_id, event, $2, since, over_at FROM ended)";

std::string EndWhere(const std::string& condition) {
  std::string text = kEndNotices;
  return text.replace(text.find("%s"), 2, condition);
}

void BeginNotice(ports::Session& session, const std::string& receiver, const Cause& cause) {
  session.Execute(
      {"INSERT INTO yellow.notice (receiver, node, event, batch, run_id, reason_code, reason) "
       "VALUES ($1, $2, $3, $4, nullif($5, ''), $6, $7) ON CONFLICT (receiver, node, event) WHERE over_at IS NULL DO "
       "NOTHING",
       {receiver, cause.node, std::string(Word(cause.event)),
        cause.batch ? std::optional(std::to_string(*cause.batch)) : std::nullopt, cause.run_id, cause.code,
        cause.reason}});
}

NoticeEvent EventOf(const std::string& word) {
  for (const NoticeEvent event : kAllNoticeEvents) {
    if (word == Word(event)) return event;
  }
  return NoticeEvent::kStale;
}

}  // namespace

void BeginNotices(ports::Session& session, const Applied& applied, const Cause& cause) {
  for (const model::NoticeReceiver& receiver : ReceiversOf(applied)) {
    if (receiver.Wants(cause.event)) BeginNotice(session, receiver.name, cause);
  }
}

void EndNotices(ports::Session& session, const std::string& node, const std::vector<NoticeEvent>& events,
                const std::string& how) {
  std::string words;
  for (const NoticeEvent event : events) words += (words.empty() ? "{" : ",") + std::string(Word(event));
  session.Execute({EndWhere("node = $1 AND event = ANY ($3::text[])"), {node, how, words + "}"}});
}

std::vector<LastingNotice> ReadLasting(ports::Session& session) {
  const ports::Rows rows = session.Execute(kLasting);
  std::vector<LastingNotice> lasting;
  for (size_t i = 0; i < rows.size(); ++i)
    lasting.push_back({rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 2), EventOf(rows.Text(i, 3)), rows.Text(i, 4)});
  return lasting;
}

void Write(ports::Session& session, const NoticeChanges& changes) {
  ports::Transaction transaction(session, "", "notices");
  for (const std::string& id : changes.forgotten) {
    session.Execute(
        {"UPDATE yellow.notice SET over_at = clock_timestamp(), "
         "gave_up_at = CASE WHEN delivered_at IS NULL THEN clock_timestamp() END WHERE id = $1 AND over_at IS NULL",
         {id}});
  }
  for (const NoticeChanges::Ended& ended : changes.ended) session.Execute({EndWhere("id = $1"), {ended.id, ended.how}});
  for (const NoticeChanges::Begun& begun : changes.begun) BeginNotice(session, begun.receiver, begun.cause);
  transaction.Commit();
}

std::optional<DueNotice> TakeDue(ports::Session& session, const std::string& receiver, const std::string& environment) {
  const ports::Rows rows = session.Execute(
      {"UPDATE yellow.notice n SET attempts = attempts + 1, "
       "due_at = clock_timestamp() + make_interval(secs => least(3600, 15 * 2 ^ least(attempts, 8))) "
       "FROM (SELECT d.id, e.event AS was FROM yellow.notice d LEFT JOIN yellow.notice e ON e.id = d.cause "
       "WHERE d.receiver = $1 AND d.delivered_at IS NULL AND d.gave_up_at IS NULL AND d.due_at <= clock_timestamp() "
       "AND (e.id IS NULL OR coalesce(e.delivered_at, e.gave_up_at) IS NOT NULL) "
       "ORDER BY d.number LIMIT 1 FOR UPDATE OF d SKIP LOCKED) due WHERE n.id = due.id "
       "RETURNING n.id, n.event, coalesce(n.cause, n.id), coalesce(due.was, ''), n.node, coalesce(n.batch::text, ''), "
       "coalesce(n.run_id, ''), n.reason_code, n.reason, " +
           sql::Rfc3339("n.since") + ", CASE WHEN n.event = 'over' THEN " + sql::Rfc3339("n.over_at") +
           " ELSE '' END, n.attempts",
       {receiver}});
  if (rows.empty()) return std::nullopt;
  DueNotice due;
  due.notice = {rows.Text(0, 0), environment,     rows.Text(0, 1), rows.Text(0, 2), rows.Text(0, 3), rows.Text(0, 4),
                rows.Text(0, 5), rows.Text(0, 6), rows.Text(0, 7), rows.Text(0, 8), rows.Text(0, 9), rows.Text(0, 10)};
  due.attempts = static_cast<int>(rows.Integer(0, 11));
  return due;
}

void MarkDelivered(ports::Session& session, const std::string& id) {
  session.Execute(
      {"UPDATE yellow.notice SET delivered_at = clock_timestamp(), error = NULL WHERE id = $1 AND delivered_at IS NULL",
       {id}});
}

void MarkFailed(ports::Session& session, const std::string& id, const std::string& error) {
  session.Execute(
      {"UPDATE yellow.notice SET error = $2, gave_up_at = CASE WHEN attempts >= $3::int THEN clock_timestamp() END "
       "WHERE id = $1 AND delivered_at IS NULL",
       {id, error, std::to_string(kNoticeAttempts)}});
}

std::vector<Undelivered> ReadUndelivered(ports::Session& session) {
  const ports::Rows rows = session.Execute(
      "WITH arrived AS (SELECT receiver, max(delivered_at) AS at FROM yellow.notice GROUP BY 1) "
      "SELECT receiver, gave_up_at IS NOT NULL, count(*), " +
      sql::Rfc3339("min(since)") + ", coalesce(" + sql::Rfc3339("min(due_at) FILTER (WHERE gave_up_at IS NULL)") +
      ", ''), coalesce((array_agg(error ORDER BY number DESC) FILTER (WHERE error IS NOT NULL))[1], '') "
      "FROM yellow.notice JOIN arrived USING (receiver) "
      "WHERE delivered_at IS NULL AND (gave_up_at IS NULL OR gave_up_at > coalesce(arrived.at, '-infinity')) "
      "GROUP BY 1, 2 ORDER BY 1, 2");
  std::vector<Undelivered> all;
  for (size_t i = 0; i < rows.size(); ++i) {
    all.push_back(
        {rows.Text(i, 0), rows.Boolean(i, 1), rows.Integer(i, 2), rows.Text(i, 3), rows.Text(i, 4), rows.Text(i, 5)});
  }
  return all;
}

}  // namespace yellow::run
