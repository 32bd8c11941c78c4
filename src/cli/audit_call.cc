#include "cli/audit_call.h"

#include <fmt/format.h>

#include <ostream>

#include "access/audit_chain.h"
#include "base/error.h"
#include "cli/access_call.h"
#include "cli/exit_status.h"
#include "cli/views/audit_json.h"
#include "cli/views/audit_text.h"

namespace yellow::cli {
namespace {

constexpr const char* kAudit = "/v1/audit/";

/// Percent-encoded (RFC 3986), for a query.
std::string ForQuery(const std::string& text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  std::string encoded;
  for (const char c : text)
    encoded += kPlain.find(c) != std::string_view::npos ? std::string(1, c)
                                                        : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return encoded;
}

/// A path with what is looked for; what is empty is left out.
std::string PathWith(const std::string& what, const std::vector<std::pair<std::string, std::string>>& words) {
  std::string path = kAudit + what;
  char before = '?';
  for (const auto& [name, value] : words) {
    if (value.empty()) continue;
    path += before + name + "=" + ForQuery(value);
    before = '&';
  }
  return path;
}

/// Prints the records of an answer as they come.
int PrintRecords(const Program& program, const Options& options, const std::string& socket, const std::string& path,
                 bool follow) {
  RecordPrinter printer(program, options, follow);
  std::string half;
  const ports::DoorAnswer answer = program.call_stream(socket, path, [&](std::string_view part) {
    half += part;
    const access::Lines lines = access::SplitLines(half);
    for (const std::string_view line : lines.whole) {
      if (line.empty()) continue;
      Json record = Json::parse(line, nullptr, false);
      if (!record.is_object()) throw base::Error("fetch", "the service has answered with a line that is no record");
      printer.Take(std::move(record));
    }
    half = std::string(lines.half);
    if (follow) program.out << std::flush;
    return !follow || !program.stop.Asked();
  });
  if (answer.status != 200) return Refused(program, options, answer);
  printer.End();
  return kDone;
}

}  // namespace

std::optional<std::string> ServiceForAudit(const Program& program, const Options& options, const AuditOptions& audit) {
  if (!audit.socket.empty()) return AbsolutePath(program, audit.socket);
  if (!options.project.empty()) return std::nullopt;
  const std::string variable = program.variable("YELLOW_SOCKET");
  return variable.empty() ? std::nullopt : std::optional(variable);
}

void RecordPrinter::Take(Json record) {
  any_ = true;
  if (!json_) {
    program_.out << RecordLine(record);
  } else if (each_alone_) {
    program_.out << PrintedInLine(record) << std::flush;
  } else {
    list_.push_back(std::move(record));
  }
}

void RecordPrinter::End() {
  if (each_alone_) return;
  if (json_) {
    program_.out << Printed(list_);
  } else if (!any_) {
    program_.out << "Nothing was found.\n";
  }
}

int ShowVerified(const Program& program, const Options& options, const Json& all) {
  if (options.json) {
    program.out << Printed(all);
  } else {
    for (const Json& verified : all) program.out << DescribeVerified(verified);
  }
  return StatusOfVerified(all);
}

int AuditVerifyThere(const Program& program, const Options& options, const AuditOptions& audit,
                     const std::string& socket) {
  if (!audit.anchor.empty())
    throw base::UsageError("the service compares with anchors of its own, and is not given yours")
        .Remedy(
            "take the log with you: yellow audit export --to audit.jsonl; then yellow audit verify --file "
            "audit.jsonl --anchor " +
            audit.anchor + " --key PUBLIC_KEY");
  std::string text;
  const std::string to = audit.to == AuditOptions().to ? "" : std::to_string(audit.to);
  const std::string path = PathWith("verify", {{"container", audit.container},
                                               {"key", audit.key},
                                               {"from", audit.from == 0 ? "" : std::to_string(audit.from)},
                                               {"to", to}});
  const ports::DoorAnswer answer = program.call_stream(socket, path, [&](std::string_view part) {
    text += part;
    return true;
  });
  if (answer.status != 200) return Refused(program, options, answer);
  const Json all = Json::parse(text, nullptr, false);
  if (!all.is_array()) throw base::Error("fetch", "the service has not said what it found").Retryable();
  return ShowVerified(program, options, all);
}

int AuditTailThere(const Program& program, const Options& options, const AuditOptions& audit,
                   const std::string& socket) {
  if (audit.follow) program.stop.Watch();
  return PrintRecords(program, options, socket,
                      PathWith("newest", {{"container", audit.container},
                                          {"lines", std::to_string(audit.lines)},
                                          {"follow", audit.follow ? "true" : ""}}),
                      audit.follow);
}

int AuditSearchThere(const Program& program, const Options& options, const AuditOptions& audit,
                     const std::string& socket) {
  return PrintRecords(program, options, socket,
                      PathWith("records", {{"container", audit.container},
                                           {"person", audit.person},
                                           {"action", audit.action},
                                           {"subject", audit.subject},
                                           {"request", audit.request},
                                           {"since", audit.since},
                                           {"until", audit.until},
                                           {"text", audit.text}}),
                      false);
}

int AuditExportThere(const Program& program, const Options& options, const AuditOptions& audit,
                     const std::string& socket) {
  const std::string path = AbsolutePath(program, audit.file);
  if (program.files.Exists(path)) throw base::UsageError("the file is there already: " + path);
  const ports::FetchedFile fetched =
      program.fetch_file(socket, PathWith("log", {{"container", audit.container}}), path);
  if (fetched.answer.status != 200) return Refused(program, options, fetched.answer);
  if (options.json) {
    program.out << Printed(
        ExportedLogRecord().Write({audit.container, path, fetched.sha256, fetched.bytes, std::nullopt}));
  } else {
    program.out << fmt::format("Wrote {} bytes to {}, SHA-256 {}\n", fetched.bytes, path, fetched.sha256);
  }
  return kDone;
}

}  // namespace yellow::cli
