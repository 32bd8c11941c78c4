#include "cli/views/status_view.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/text_table.h"
#include "run/tick.h"
#include "run/world.h"

namespace yellow::cli {
namespace {

constexpr const char* kNewest = R"(
SELECT b.stream, b.batch, b.state, coalesce(b.reason_code, ''), coalesce(b.reason, ''), s.paused,
       s.lease_until > clock_timestamp() AND s.holder IS NOT NULL
FROM yellow.stream s LEFT JOIN LATERAL
     (SELECT * FROM yellow.batch b WHERE b.stream = s.key ORDER BY b.batch DESC LIMIT 1) b ON true
WHERE NOT s.retired AND s.key = $1)";

constexpr const char* kCommitted = R"(
SELECT b.batch, extract(epoch FROM clock_timestamp() - coalesce(b.source_read_at, b.committed_at)),
       sum(d.inserted), sum(d.updated), sum(d.deleted), sum(d.rejected)
FROM yellow.batch b JOIN yellow.batch_dataset d USING (stream, batch)
WHERE b.stream = $1 AND b.state = 'committed'
GROUP BY b.batch, b.source_read_at, b.committed_at ORDER BY b.batch DESC LIMIT 1)";

constexpr const char* kLastRun = R"(
SELECT r.state, coalesce(r.reason_code, ''), coalesce(r.reason, '')
FROM yellow.run r WHERE r.transformer = $1 AND r.request IS NULL ORDER BY r.opened_at DESC LIMIT 1)";

std::string StateOf(const std::string& batch_state, bool paused, bool busy) {
  if (paused) return "paused";
  if (busy) return "running";
  if (batch_state.empty()) return "new";
  if (batch_state == "held" || batch_state == "failed") return batch_state;
  return batch_state == "committed" || batch_state == "rejected" ? "ok" : "running";
}

StatusRow ReadRow(ports::Session& session, const plan::Stream& stream) {
  StatusRow row;
  row.key = stream.key;
  row.name = stream.dataset.empty() ? stream.store : stream.store + "." + stream.dataset;
  row.output = stream.workspace.has_value();
  const ports::Rows newest = session.Execute({kNewest, {stream.key}});
  bool paused = false, busy = false;
  if (!newest.empty()) {
    paused = newest.Boolean(0, 5), busy = newest.Boolean(0, 6);
    if (!newest.IsNull(0, 0)) {
      row.batch = static_cast<int>(newest.Integer(0, 1));
      row.batch_state = newest.Text(0, 2);
      row.reason_code = newest.Text(0, 3);
      row.reason = newest.Text(0, 4);
    }
  }
  row.state = StateOf(row.batch_state, paused, busy);
  const ports::Rows committed = session.Execute({kCommitted, {stream.key}});
  if (!committed.empty()) {
    row.lag_seconds = std::stod(committed.Text(0, 1));
    row.inserted = committed.Integer(0, 2), row.updated = committed.Integer(0, 3),
    row.deleted = committed.Integer(0, 4), row.rejected = committed.Integer(0, 5);
  }
  return row;
}

/// A failed last run shows in the row of the output that stayed as it was.
void AddRunFailure(ports::Session& session, const plan::Transformer& transformer, StatusRow& row) {
  const ports::Rows last = session.Execute({kLastRun, {transformer.key}});
  if (last.empty()) return;
  const std::string& state = last.Text(0, 0);
  if (state != "failed" && state != "timed_out" && state != "lost") return;
  if (row.state == "ok" || row.state == "new") row.state = "failed";
  row.reason_code = last.Text(0, 1);
  row.reason = last.Text(0, 2);
}

std::string Short(int64_t rows) { return rows < 100000 ? std::to_string(rows) : fmt::format("{}k", rows / 1000); }

/// Why it waits, and where more is said of it; else what its newest committed batch left out.
std::string NoteOf(const StatusRow& row) {
  if (!row.reason.empty()) return row.reason.substr(0, row.reason.find('\n')) + "   yellow explain " + row.explain;
  if (row.rejected == 0) return "";
  return fmt::format("{} rows set aside   yellow batches show {}", row.rejected, row.name);
}

std::optional<int> NewestBatch(const StatusRow& row) {
  return row.batch == 0 ? std::nullopt : std::optional(row.batch);
}

const Record<StatusRow>& RowsRecord() {
  static const Record<StatusRow> record = Record<StatusRow>()
                                              .Field("inserted", "Keys that were new.", &StatusRow::inserted)
                                              .Field("updated", "Keys whose row had changed.", &StatusRow::updated)
                                              .Field("deleted", "Keys that were gone.", &StatusRow::deleted)
                                              .Field("rejected", "Rows that were set aside.", &StatusRow::rejected);
  return record;
}

const Record<ports::ConnectionInfo>& ContainerRecord() {
  using Info = ports::ConnectionInfo;
  static const Record<Info> record =
      Record<Info>()
          .Field("key", "The container's name.", &Info::container)
          .Word("state", "In the private PostgreSQL, or on a server that the environment names.", {"embedded", "named"},
                [](const Info& it) { return it.embedded ? "embedded" : "named"; })
          .NoReason()
          .Field("host", "A name, an address, or the folder of a unix socket.", &Info::host)
          .Field("port", "Of the server.", &Info::port)
          .Field("database", "Its name there.", &Info::database)
          .Field("sslmode", "As libpq has it.", &Info::sslmode);
  return record;
}

std::string LineOf(const run::Undelivered& messages) {
  const bool one = messages.messages == 1;
  std::string line =
      fmt::format("notify {}: {} {} {}, since {}", messages.receiver, messages.messages, one ? "message" : "messages",
                  messages.given_up ? "given up" : "not delivered yet", messages.oldest);
  if (!messages.error.empty()) line += ": " + messages.error;
  if (!messages.given_up && !messages.error.empty()) line += "; tried again at " + ClockTime(messages.next);
  return line;
}

const Record<run::Undelivered>& UndeliveredRecord() {
  using Messages = run::Undelivered;
  static const Record<Messages> record =
      Record<Messages>()
          .Field("key", "The receiver's name.", &Messages::receiver)
          .Word("state", "Tried again, or not any more.", {"waiting", "given_up"},
                [](const Messages& it) { return it.given_up ? "given_up" : "waiting"; })
          .Reason(
              "reason", "What came of the last attempt.",
              [](const Messages& it) {
                if (it.error.empty()) return "";
                return it.receiver.find('/') == std::string::npos ? "webhook" : "mail";
              },
              &Messages::error)
          .Field("messages", "How many.", &Messages::messages)
          .Time("oldest", "Since when what the oldest is about has lasted.", &Messages::oldest)
          .TimeOrNull("next", "When the next is tried.", &Messages::next);
  return record;
}

}  // namespace

std::string Rfc3339(ports::TimePoint time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", std::chrono::floor<std::chrono::seconds>(time));
}

std::string ClockTime(const std::string& rfc3339) { return rfc3339.size() < 19 ? rfc3339 : rfc3339.substr(11, 8); }

std::string Ago(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds < 0 ? 0 : seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 172800) return fmt::format("{:.0f} h", seconds / 3600);
  return fmt::format("{:.0f} d", seconds / 86400);
}

StatusOfEngine ReadStatus(const Program& program, Engine& engine) {
  StatusOfEngine status;
  status.container = engine.container;
  status.version = engine.applied->version;
  const run::Applied& applied = *engine.applied;
  status.transformers = applied.physical.transformers.size();
  std::map<std::string, run::Decision> decisions;
  for (run::Decision& decision :
       run::Tick(run::ReadWorld(*engine.session, applied, program.actor, program.processes))) {
    decisions[decision.node] = decision;
  }
  for (const plan::Stream& stream : applied.physical.streams) {
    StatusRow row = ReadRow(*engine.session, stream);
    row.container = status.container;
    row.model_version = status.version;
    std::string node = stream.key;
    for (const plan::Transformer& transformer : applied.physical.transformers) {
      if (transformer.output_stream != stream.key) continue;
      AddRunFailure(*engine.session, transformer, row);
      node = transformer.key;
    }
    row.explain = run::NameOfNode(node);
    if (const auto found = decisions.find(node); found != decisions.end()) {
      row.verdict_code = found->second.code;
      row.verdict = found->second.sentence;
      if (found->second.wake_at) row.next = Rfc3339(*found->second.wake_at);
      if (found->second.action != run::Action::kWait) row.next = "now";
    }
    status.streams.push_back(std::move(row));
  }
  status.undelivered = run::ReadUndelivered(*engine.session);
  std::erase_if(status.undelivered, [&](const run::Undelivered& messages) {
    const auto& receivers = run::ReceiversOf(applied);
    return std::none_of(receivers.begin(), receivers.end(),
                        [&](const auto& receiver) { return receiver.name == messages.receiver; });
  });
  return status;
}

std::string StatusText(const Project& project, const std::vector<StatusOfEngine>& engines, bool files_are_newer) {
  std::string out;
  for (const StatusOfEngine& engine : engines) {
    out += fmt::format("{} · {} · model version {}{} · {} streams, {} {}\n", project.environment, engine.container,
                       engine.version, files_are_newer ? " (files are newer: yellow plan)" : "", engine.streams.size(),
                       engine.transformers, engine.transformers == 1 ? "transformer" : "transformers");
    std::vector<std::vector<std::string>> table{{"STREAM", "STATE", "BATCH", "ROWS +/~/-", "LAG", "NEXT", ""}};
    for (const StatusRow& row : engine.streams) {
      const std::string next = !row.next.empty() ? ClockTime(row.next) : row.output ? "on a new batch" : "when asked";
      table.push_back({row.name, row.state, row.batch == 0 ? "-" : std::to_string(row.batch),
                       fmt::format("{} / {} / {}", Short(row.inserted), Short(row.updated), Short(row.deleted)),
                       row.lag_seconds ? Ago(*row.lag_seconds) : "-", next, NoteOf(row)});
    }
    out += TextTable(table, {2});
    for (const run::Undelivered& messages : engine.undelivered) out += LineOf(messages) + "\n";
  }
  return out;
}

const Record<StatusRow>& StreamRecord() {
  static const Record<StatusRow> record =
      Record<StatusRow>()
          .Field("key", "The stream.", &StatusRow::key)
          .Field("name", "What people call it.", &StatusRow::name)
          .Word("state", "How it is.", {"new", "ok", "running", "held", "failed", "paused"}, &StatusRow::state)
          .Reason("reason", "Why it is held or failed.", &StatusRow::reason_code, &StatusRow::reason)
          .Field("batch", "The number of its newest batch.", &NewestBatch);
  return record;
}

const Record<StatusDocument>& StatusRecord() {
  static const Record<StatusRow> stream =
      Record<StatusRow>(StreamRecord())
          .Field("container", "The merge database where it is.", &StatusRow::container)
          .Field("model_version", "Of the model that was applied there.", &StatusRow::model_version)
          .Object("rows", "What its newest committed batch did.", RowsRecord(), [](const StatusRow& it) { return it; })
          .Field("lag_seconds", "Age of the source's state that the newest committed batch shows.",
                 &StatusRow::lag_seconds)
          .TimeOrNull("next", "When it is due next, if that is known and not now.",
                      [](const StatusRow& it) { return it.next == "now" ? "" : it.next; })
          .Reason("verdict", "What would be decided about it now.", &StatusRow::verdict_code, &StatusRow::verdict);
  static const Record<StatusDocument> record =
      Record<StatusDocument>()
          .Field("environment", "The one in use.", &StatusDocument::environment)
          .Field("files_are_newer", "The model's files are not what was applied.", &StatusDocument::files_are_newer)
          .List("containers", "Where the environment's databases are.", ContainerRecord(), &StatusDocument::containers)
          .List("streams", "Every stream, by container and key.", stream, &StatusDocument::streams)
          .List("undelivered", "Messages to receivers that have not arrived.", UndeliveredRecord(),
                &StatusDocument::undelivered);
  return record;
}

}  // namespace yellow::cli
