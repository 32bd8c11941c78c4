#include <fmt/format.h>

#include <ostream>

#include "access/audit_search.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/signature.h"
#include "cli/audit_place.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/text_table.h"
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

OpenLogs OpenAudit(const Program& program, const Options& options, const std::string& container = "") {
  OpenLogs open{OpenProject(program, options), {}, {}};
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
void RecordReading(const Program& program, const OpenLog& log, const std::string& how,
                   const access::JsonValue::Object& what) {
  access::JsonValue::Object details = what;
  details["how"] = {how};
  access::AddRecord(*log.session, program.actor.person, "audit.read", log.place.container, details);
}

std::vector<access::StoredRecord> Read(const OpenLog& log, const access::AuditQuery& query) {
  std::vector<access::StoredRecord> waiting = access::ReadUnchained(*log.session, kMostWaiting);
  const std::string folder = access::FolderOf(log.place, access::ReadHead(*log.session).chain);
  return access::FindRecords(access::ReadLog(log.effects.log, folder), std::move(waiting), query);
}

std::string LineOf(const access::StoredRecord& stored) {
  const access::AuditRecord& record = stored.record;
  std::string line = fmt::format("{}  {}  {}  {}", record.at.substr(0, record.at.find('.')) + "Z", record.person,
                                 record.action, record.subject);
  if (!record.request.empty()) line += "  for request " + record.request;
  const std::string details = access::Canonical(record.details);
  if (details != "{}") line += "  " + details;
  return line + (stored.head ? "" : "  (not chained yet)") + "\n";
}

void Show(const Program& program, const Options& options, const std::vector<access::StoredRecord>& records) {
  if (options.json) {
    program.out << Printed(AuditRecordRecord().List(records));
    return;
  }
  for (const access::StoredRecord& record : records) program.out << LineOf(record);
}

/// Prints what is new until it is asked to stop.
int Follow(const Program& program, const Options& options, const OpenLog& log, size_t lines) {
  program.stop.Watch();
  std::vector<access::StoredRecord> all = Read(log, {});
  int64_t seen = 0;
  for (bool first = true; !program.stop.Asked(); first = false) {
    for (size_t i = first && all.size() > lines ? all.size() - lines : 0; i < all.size(); ++i) {
      if (!all[i].head || all[i].head->sequence <= seen) continue;
      seen = all[i].head->sequence;
      program.out << (options.json ? PrintedInLine(AuditRecordRecord().Write(all[i])) : LineOf(all[i])) << std::flush;
    }
    program.clock.Sleep(kFollowEvery);
    all = Read(log, {});
  }
  return kDone;
}

std::string Describe(const access::Verified& verified) {
  std::string text = fmt::format("{}: {} record{} in {} segment{}, up to {} ({})\n", verified.container,
                                 verified.records, verified.records == 1 ? "" : "s", verified.segments,
                                 verified.segments == 1 ? "" : "s", verified.head.sequence, verified.head.hash);
  text += "Chain " + verified.chain + ", signed with " + (verified.key.empty() ? "no key yet" : verified.key) + "\n";
  if (verified.unchained > 0)
    text += fmt::format("{} record{} not chained yet: yellow serve does it, or yellow audit chain\n",
                        verified.unchained, verified.unchained == 1 ? " is" : "s are");
  for (const access::AnchorState& anchor : verified.anchors) {
    text += "Anchor " + anchor.target + ": ";
    text += anchor.at.empty() ? "never noted" : fmt::format("noted up to {} at {}", anchor.sequence, anchor.at);
    text += (anchor.failure.empty() ? "" : "; it cannot be noted: " + anchor.failure) + "\n";
  }
  for (const access::AuditFinding& finding : verified.findings)
    text += fmt::format("error: {} [{}]\n", finding.text, access::Word(finding.fault));
  return text + (verified.findings.empty() ? "Nothing in it was changed.\n" : "");
}

int StatusOf(const access::Verified& verified) {
  if (!verified.findings.empty()) return static_cast<int>(verified.findings.front().fault);
  for (const access::AnchorState& anchor : verified.anchors)
    if (!anchor.failure.empty()) return kFindings;
  return kDone;
}

}  // namespace

int AuditVerify(const Program& program, const Options& options, const AuditOptions& audit) {
  access::VerifyOptions how;
  how.key = audit.key, how.from = audit.from, how.to = audit.to;
  if (!how.key.empty() && !base::IsHex(how.key, kKeyDigits))
    throw base::UsageError("this is no public key: " + how.key).Remedy("64 lower-case hexadecimal digits are one");
  if (!audit.anchor.empty()) {
    how.anchors = program.files.Read(AbsolutePath(program, audit.anchor));
    if (!how.anchors) throw base::UsageError("there is no file " + audit.anchor);
  }
  const OpenLogs open = OpenAudit(program, options, audit.container);
  int status = kDone;
  bool any_anchor = false;
  std::vector<access::Verified> all;
  for (const OpenLog& log : open.logs) {
    all.push_back(access::VerifyLog(log.effects, *log.session, log.place, how));
    any_anchor = any_anchor || all.back().anchors_of_chain;
    const int of_this = StatusOf(all.back());
    if (status == kDone || (status == kFindings && of_this != kDone)) status = of_this;
  }
  if (how.anchors && !any_anchor) throw base::UsageError("no anchor of this audit log stands in " + audit.anchor);
  if (options.json) {
    program.out << Printed(VerifiedRecord().List(all));
  } else {
    for (const access::Verified& verified : all) program.out << Describe(verified);
  }
  return status;
}

int AuditTail(const Program& program, const Options& options, const AuditOptions& audit) {
  const OpenLogs open = OpenAudit(program, options, audit.container);
  const auto lines = static_cast<size_t>(audit.lines);
  if (audit.follow && open.logs.size() > 1)
    throw base::UsageError("several merge databases have an audit log").Remedy("name one: --container");
  std::vector<access::StoredRecord> shown;
  for (const OpenLog& log : open.logs) {
    RecordReading(program, log, "tail", {});
    if (audit.follow) return Follow(program, options, log, lines);
    std::vector<access::StoredRecord> records = Read(log, {});
    if (records.size() > lines) records.erase(records.begin(), records.end() - audit.lines);
    shown.insert(shown.end(), records.begin(), records.end());
  }
  Show(program, options, shown);
  return kDone;
}

int AuditSearch(const Program& program, const Options& options, const AuditOptions& audit) {
  const access::AuditQuery query{audit.person, audit.action, audit.subject, audit.request,
                                 audit.since,  audit.until,  audit.text};
  access::JsonValue::Object what;
  for (const auto& [name, value] : {std::pair("person", &query.person),
                                    {"action", &query.action},
                                    {"subject", &query.subject},
                                    {"request", &query.request},
                                    {"since", &query.since},
                                    {"until", &query.until},
                                    {"text", &query.text}})
    if (!value->empty()) what[name] = {*value};
  const OpenLogs open = OpenAudit(program, options, audit.container);
  std::vector<access::StoredRecord> found;
  for (const OpenLog& log : open.logs) {
    const std::vector<access::StoredRecord> records = Read(log, query);
    found.insert(found.end(), records.begin(), records.end());
    RecordReading(program, log, "search", what);
  }
  Show(program, options, found);
  return kDone;
}

int AuditExport(const Program& program, const Options& options, const AuditOptions& audit) {
  const OpenLogs open = OpenAudit(program, options, audit.container);
  if (open.logs.size() > 1)
    throw base::UsageError("several merge databases have an audit log").Remedy("name one: --container");
  const OpenLog& log = open.logs.front();
  const std::string folder = access::FolderOf(log.place, access::ReadHead(*log.session).chain);
  const std::string text = access::ReadLog(log.effects.log, folder);
  const std::string path = AbsolutePath(program, audit.file);
  if (program.files.Exists(path)) throw base::UsageError("the file is there already: " + path);
  RecordReading(program, log, "export", {{"sha256", {base::Sha256Hex(text)}}});
  program.files.WriteAtomically(path, text, false);
  const ExportedLog exported{log.place.container, path, base::Sha256Hex(text), static_cast<int64_t>(text.size()),
                             static_cast<int64_t>(access::SplitLines(text).whole.size())};
  if (options.json) {
    program.out << Printed(ExportedLogRecord().Write(exported));
  } else {
    program.out << fmt::format("Wrote {} lines to {}, SHA-256 {}\n", exported.lines, path, exported.sha256);
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
