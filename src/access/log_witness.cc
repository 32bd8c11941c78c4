#include "access/log_witness.h"

#include <algorithm>
#include <functional>

#include "access/server_line.h"
#include "base/digest.h"
#include "base/error.h"
#include "sql/names.h"

namespace yellow::access {
namespace {

constexpr size_t kHeadBytes = 4096;  // a file's first line, or as much of it
constexpr size_t kPiece = 1024UL * 1024;
constexpr size_t kLongestLine = 64UL * 1024 * 1024;
constexpr std::chrono::seconds kLookForGaps{2};
constexpr const char* kSecondsToLog = "5";  // what has happened is in the log by then

/// What a file is known by, whatever its name is; empty while its first line is not whole.
std::string HeadOf(std::string_view beginning) {
  const size_t end = beginning.find('\n');
  if (end == std::string_view::npos && beginning.size() < kHeadBytes) return "";
  return base::Sha256Hex(beginning.substr(0, end));
}

void EachLine(std::string_view lines, const std::function<void(std::string_view)>& take) {
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    take(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

/// The request of a temporary login; empty when it is none.
std::string RequestOf(const std::string& user, const std::string& login) {
  if (!user.starts_with(login)) return "";
  std::string request = user.substr(login.size());
  constexpr size_t kDigits = 16;
  const bool good = request.size() == kDigits && request.find_first_not_of("0123456789abcdef") == std::string::npos;
  return good ? request : "";
}

}  // namespace

LogWitness::LogWitness(const WitnessEffects& effects, const std::string& role_prefix, std::vector<WitnessPlace> places)
    : effects_(effects), login_(sql::Roles(role_prefix).TemporaryLogin("")), places_(std::move(places)) {}

LogWitness::Watched& LogWitness::Open(const std::string& container) {
  Watched& watched = watched_[container];
  if (watched.session != nullptr) return watched;
  auto session =
      effects_.connector.Open(effects_.endpoints.Service(container, ports::ServiceRole::kAccess, "server log"));
  const ports::Rows settings = session->Execute(
      "SELECT current_setting('logging_collector') = 'on' AND current_setting('log_destination') LIKE '%jsonlog%', "
      "current_setting('log_disconnections') = 'on'");
  if (!settings.Boolean(0, 0))
    throw base::Error("server_log", "the server of " + container + " writes no JSON log")
        .Remedy("see audit.md: what the server's own log says");
  watched.tells_ends = settings.Boolean(0, 1);
  const ports::Rows read = session->Execute("SELECT head, position FROM yellow_access.server_log_positions()");
  for (size_t i = 0; i < read.size(); ++i) watched.positions[read.Text(i, 0)] = read.Integer(i, 1);
  watched.session = std::move(session);
  return watched;
}

std::string LogWitness::FactsOfLines(std::string_view lines) const {
  // In a JSON text a quote that belongs to a value has a backslash before it, so no value looks like this.
  const std::string of_login = "\"user\":\"" + login_;
  std::string facts = "[";
  EachLine(lines, [&](std::string_view text) {
    if (text.find(of_login) == std::string_view::npos) return;
    const auto line = ReadServerLine(text);
    const std::string request = line ? RequestOf(line->user, login_) : "";
    if (!request.empty()) facts += (facts.size() > 1 ? "," : "") + FactOf(*line, request);
  });
  return facts + "]";
}

/// Whole lines from there on; of a file that nobody writes to also what its end is cut off to, and of a line that is
/// too long a part of it. Empty when there is nothing more.
std::string LogWitness::PieceOf(const ports::ServerLogFile& file, int64_t from) const {
  for (const size_t most : {kPiece, kLongestLine}) {
    std::string bytes = effects_.log.Read(file.path, from, most);
    const size_t end = bytes.rfind('\n');
    if (end != std::string::npos) {
      bytes.resize(end + 1);
      return bytes;
    }
    if (bytes.size() < most) return file.current ? "" : bytes;
    if (most == kLongestLine) return bytes;
  }
  return "";
}

void LogWitness::ReadOn(Watched& watched, const ports::ServerLogFile& file) {
  Seen& seen = watched.seen[file.path];
  if (seen.size == file.size && seen.changed == file.changed) return;
  seen.head = HeadOf(effects_.log.Read(file.path, 0, kHeadBytes));
  if (seen.head.empty()) return;
  int64_t& position = watched.positions[seen.head];
  for (;;) {
    const std::string piece = PieceOf(file, position);
    if (piece.empty()) break;
    const int64_t end = position + static_cast<int64_t>(piece.size());
    const ports::Rows done =
        watched.session->Execute({"SELECT yellow_access.server_lines($1, $2, $3, $4::jsonb)",
                                  {seen.head, std::to_string(position), std::to_string(end), FactsOfLines(piece)}});
    if (!done.Boolean(0, 0)) throw base::Error("server_log", "another yellow reads the same log").Retryable();
    position = end;
  }
  seen.size = file.size, seen.changed = file.changed;
}

void LogWitness::CatchUp(Watched& watched, const std::vector<ports::ServerLogFile>& files) {
  for (const ports::ServerLogFile& file : files) ReadOn(watched, file);
  std::erase_if(watched.seen, [&](const auto& one) {
    return std::none_of(files.begin(), files.end(), [&](const auto& file) { return file.path == one.first; });
  });
  const ports::TimePoint now = effects_.clock.Now();
  if (!watched.tells_ends || now < watched.look_for_gaps_at) return;
  watched.look_for_gaps_at = now + kLookForGaps;
  watched.session->Execute({"SELECT yellow_access.server_gaps($1)", {kSecondsToLog}});
}

/// What the server's people may need of it goes on to their log; what a temporary login has asked goes.
void LogWitness::PutAway(const WitnessPlace& place, const ports::ServerLogFile& file) {
  int64_t position = 0;
  for (std::string piece = PieceOf(file, 0); !piece.empty(); piece = PieceOf(file, position)) {
    std::string kept;
    EachLine(piece, [&](std::string_view text) {
      const auto line = ReadServerLine(text);
      if (!line || !line->user.starts_with(login_)) kept += PlainLine(text);
    });
    if (!kept.empty()) effects_.log.Add(place.kept_lines, kept);
    position += static_cast<int64_t>(piece.size());
  }
  effects_.log.Remove(file.path);
  for (const std::string& container : place.containers) {
    Watched& watched = watched_.at(container);
    const std::string head = watched.seen.at(file.path).head;
    if (head.empty()) continue;
    watched.session->Execute({"SELECT yellow_access.server_log_gone($1)", {head}});
    watched.positions.erase(head);
  }
}

std::vector<std::string> LogWitness::Look() {
  std::vector<std::string> in_the_way;
  for (const WitnessPlace& place : places_) {
    const auto say = [&](const base::Error& error) {
      in_the_way.push_back("the server's log in " + place.folder + " is not read: " + base::Describe(error));
    };
    try {
      const std::vector<ports::ServerLogFile> files = effects_.log.Files(place.folder);
      bool all_read = true;
      for (const std::string& container : place.containers) {
        try {
          CatchUp(Open(container), files);
        } catch (const base::Error& error) {
          watched_.erase(container);
          all_read = false;
          say(error);
        }
      }
      if (!all_read || place.kept_lines.empty()) continue;
      for (const ports::ServerLogFile& file : files)
        if (!file.current) PutAway(place, file);
    } catch (const base::Error& error) {
      say(error);
    }
  }
  return in_the_way;
}

}  // namespace yellow::access
