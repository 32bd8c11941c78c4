#include <fmt/format.h>

#include <ostream>

#include "access/audit_scan.h"
#include "access/audit_verify.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/signature.h"
#include "cli/audit_call.h"
#include "cli/audit_place.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/views/audit_json.h"

// The audit log, for those who look after it: access/ keeps it.
namespace yellow::cli {
namespace {

constexpr int kMostWaiting = 100'000;
constexpr std::chrono::milliseconds kFollowEvery{500};
constexpr size_t kKeyDigits = 64;

/// The audit log of one merge database, with a session of its own.
struct OpenLog {
  access::AuditEffects effects;
  access::AuditPlace place;
  std::unique_ptr<ports::Session> session;
};

/// The project and its servers live as long as the logs.
struct OpenLogs {
  Project project;
  Engines engines;
  std::vector<OpenLog> logs;
};

Project ProjectOfLog(const Program& program, const Options& options) {
  try {
    return OpenProject(program, options);
  } catch (const base::UsageError&) {
    if (!options.project.empty()) throw;
    throw base::UsageError("the audit log is read from a project or through a service, and neither is named here")
        .Remedy(
            "name the service's socket: --socket /run/yellow/access.sock, or set YELLOW_SOCKET; or the project: "
            "--project");
  }
}

OpenLogs OpenAudit(const Program& program, const Options& options, const std::string& container = "") {
  OpenLogs open{ProjectOfLog(program, options), {}, {}};
  open.engines = OpenApplied(program, open.project);
  for (const Engine& engine : open.engines.engines) {
    if (!container.empty() && engine.container != container) continue;
    OpenLog log{AuditEffectsOf(program, *open.engines.servers), AuditPlaceOf(open.project, engine.container), nullptr};
    log.session =
        program.connector.Open(open.engines.servers->Service(engine.container, ports::ServiceRole::kAccess, "audit"));
    open.logs.push_back(std::move(log));
  }
  if (open.logs.empty()) {
    std::string names;
    for (const Engine& engine : open.engines.engines) names += (names.empty() ? "" : ", ") + engine.container;
    throw base::UsageError("no merge database is called " + container).Remedy("name one of: " + names);
  }
  return open;
}

/// Who reads is recorded, too.
int64_t RecordReading(const Program& program, const OpenLog& log, const std::string& how,
                      const access::JsonValue::Object& what) {
  access::JsonValue::Object details = what;
  details["how"] = {how};
  details["identity"] = {"os:" + program.actor.person};
  return access::AddRecord(*log.session, program.actor.person, "audit.read", log.place.container, details);
}

std::string FolderOfLog(const OpenLog& log) {
  return access::FolderOf(log.place, access::ReadHead(*log.session).chain);
}

void Show(RecordPrinter& printer, const std::vector<access::StoredRecord>& records) {
  for (const access::StoredRecord& record : records) printer.Take(AuditRecordRecord().Write(record));
}

/// Prints what is new until it is asked to stop.
int Follow(const Program& program, const OpenLog& log, RecordPrinter& printer, size_t lines) {
  program.stop.Watch();
  const std::string folder = FolderOfLog(log);
  std::vector<access::StoredRecord> newest =
      access::NewestRecords(log.effects.log, *log.session, folder, lines, kMostWaiting);
  std::erase_if(newest, [](const access::StoredRecord& record) { return !record.head; });
  access::AuditFollower follower(
      log.effects.log, folder,
      newest.empty() ? access::ReadHead(*log.session).head.sequence : newest.back().head->sequence);
  Show(printer, newest);
  while (!program.stop.Asked()) {
    program.out << std::flush;
    program.clock.Sleep(kFollowEvery);
    Show(printer, follower.Next());
  }
  return kDone;
}

}  // namespace

int AuditVerify(const Program& program, const Options& options, const AuditOptions& audit) {
  access::VerifyOptions how;
  how.key = audit.key, how.range = {audit.from, audit.to};
  if (!how.key.empty() && !base::IsHex(how.key, kKeyDigits))
    throw base::UsageError("this is no public key: " + how.key).Remedy("64 lower-case hexadecimal digits are one");
  if (!audit.copies.empty()) return AuditVerifyCopy(program, options, audit);
  if (const auto socket = ServiceForAudit(program, options, audit))
    return AuditVerifyThere(program, options, audit, *socket);
  if (!audit.anchor.empty()) {
    how.anchors = program.files.Read(AbsolutePath(program, audit.anchor));
    if (!how.anchors) throw base::UsageError("there is no file " + audit.anchor);
  }
  const OpenLogs open = OpenAudit(program, options, audit.container);
  std::vector<access::Verified> all;
  bool any_anchor = false;
  for (const OpenLog& log : open.logs) {
    all.push_back(access::VerifyLog(log.effects, *log.session, log.place, how));
    any_anchor = any_anchor || all.back().anchors_of_chain;
  }
  if (how.anchors && !any_anchor) throw base::UsageError("no anchor of this audit log stands in " + audit.anchor);
  return ShowVerified(program, options, VerifiedRecord().List(all));
}

int AuditTail(const Program& program, const Options& options, const AuditOptions& audit) {
  if (const auto socket = ServiceForAudit(program, options, audit))
    return AuditTailThere(program, options, audit, *socket);
  const OpenLogs open = OpenAudit(program, options, audit.container);
  const auto lines = static_cast<size_t>(audit.lines);
  if (audit.follow && open.logs.size() > 1)
    throw base::UsageError("several merge databases have an audit log").Remedy("name one: --container");
  RecordPrinter printer(program, options, audit.follow);
  for (const OpenLog& log : open.logs) {
    RecordReading(program, log, "tail", {});
    if (audit.follow) return Follow(program, log, printer, lines);
    Show(printer, access::NewestRecords(log.effects.log, *log.session, FolderOfLog(log), lines, kMostWaiting));
  }
  printer.End();
  return kDone;
}

int AuditSearch(const Program& program, const Options& options, const AuditOptions& audit) {
  access::AuditQuery query{audit.person, audit.action, audit.subject, audit.request,
                           audit.since,  audit.until,  audit.text};
  if (const auto refusal = access::WhatIsWrongWith(query))
    throw base::UsageError(refusal->text).Remedy(refusal->remedy);
  if (const auto socket = ServiceForAudit(program, options, audit))
    return AuditSearchThere(program, options, audit, *socket);
  const OpenLogs open = OpenAudit(program, options, audit.container);
  RecordPrinter printer(program, options, false);
  for (const OpenLog& log : open.logs) {
    query.reading = RecordReading(program, log, "search", access::WordsOf(query));
    access::AuditScan scan(log.effects.log, *log.session, FolderOfLog(log), query, kMostWaiting);
    while (const auto found = scan.Next()) Show(printer, *found);
  }
  printer.End();
  return kDone;
}

int AuditExport(const Program& program, const Options& options, const AuditOptions& audit) {
  if (const auto socket = ServiceForAudit(program, options, audit))
    return AuditExportThere(program, options, audit, *socket);
  const OpenLogs open = OpenAudit(program, options, audit.container);
  if (open.logs.size() > 1)
    throw base::UsageError("several merge databases have an audit log").Remedy("name one: --container");
  const OpenLog& log = open.logs.front();
  const std::string folder = FolderOfLog(log);
  std::string text;
  const auto next = access::TextOf(log.effects.log, folder, access::ExtentOf(log.effects.log, folder));
  for (std::string part = next(); !part.empty(); part = next()) text += part;
  const std::string path = AbsolutePath(program, audit.file);
  if (program.files.Exists(path)) throw base::UsageError("the file is there already: " + path);
  RecordReading(program, log, "export", {{"sha256", {base::Sha256Hex(text)}}});
  program.files.WriteAtomically(path, text, true);
  const ExportedLog exported{log.place.container, path, base::Sha256Hex(text), static_cast<int64_t>(text.size()),
                             static_cast<int64_t>(access::SplitLines(text).whole.size())};
  if (options.json) {
    program.out << Printed(ExportedLogRecord().Write(exported));
  } else {
    program.out << fmt::format("Wrote {} lines to {}, SHA-256 {}\n", *exported.lines, path, exported.sha256);
  }
  return kDone;
}

int AuditChain(const Program& program, const Options& options, const AuditOptions& audit) {
  const OpenLogs open = OpenAudit(program, options, audit.container);
  std::vector<ShownChain> done;
  bool all = true;
  for (const OpenLog& log : open.logs) {
    access::AuditWriter writer(log.effects, log.place);
    ShownChain shown{log.place.container, writer.Pass(audit.close), {}};
    while (shown.chained.more) {
      const int64_t before = shown.chained.records;
      shown.chained = writer.Pass(audit.close);
      shown.chained.records += before;
    }
    for (const auto& [place, why] : writer.NoteAnchors(shown.chained)) shown.failures.push_back(place + ": " + why);
    all = all && shown.chained.outcome == access::Chained::Outcome::kDone && shown.failures.empty();
    done.push_back(std::move(shown));
  }
  if (options.json) {
    program.out << Printed(ChainedRecordRecord().List(done));
    return all ? kDone : kFindings;
  }
  for (const ShownChain& shown : done) {
    const access::Chained& chained = shown.chained;
    switch (chained.outcome) {
      case access::Chained::Outcome::kDone:
        program.out << fmt::format("{}: {} record{} put into the chain, which ends at {}{}\n", shown.container,
                                   chained.records, chained.records == 1 ? "" : "s", chained.head.sequence,
                                   chained.closed ? "; the segment is closed and signed" : "");
        break;
      case access::Chained::Outcome::kBusy:
        program.out << shown.container << ": another process is at it, such as yellow serve\n";
        break;
      case access::Chained::Outcome::kElsewhere:
        program.out << fmt::format(
            "{}: the files in {} end at record {}, the chain at {}; it is written somewhere else\n", shown.container,
            chained.folder, chained.head.sequence, chained.behind.sequence);
        break;
    }
    for (const std::string& failure : shown.failures) program.out << "The end was not noted, " << failure << "\n";
  }
  return all ? kDone : kFindings;
}

}  // namespace yellow::cli
