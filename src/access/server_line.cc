#include "access/server_line.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "access/flags.h"
#include "access/json_value.h"
#include "base/digest.h"
#include "base/utf8.h"
#include "sql/statement_facts.h"

namespace yellow::access {
namespace {

using LineKind = ServerLine::Kind;

constexpr int64_t kLastOfLogin = 3;  // a server that logs connections has said two lines by then

std::string TextOf(const JsonValue& line, std::string_view key) {
  const JsonValue* value = line.Find(key);
  const std::string* text = value == nullptr ? nullptr : value->Text();
  return text == nullptr ? "" : *text;
}

std::optional<int64_t> IntegerOf(const JsonValue& line, std::string_view key) {
  const JsonValue* value = line.Find(key);
  const int64_t* number = value == nullptr ? nullptr : value->Integer();
  return number == nullptr ? std::nullopt : std::optional(*number);
}

std::optional<int64_t> ReadNumber(std::string_view digits, int base = 10) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || number < 0) return std::nullopt;
  return number;
}

/// Days since 1970 of a day of the Gregorian calendar (H. Hinnant, chrono-compatible low-level date algorithms).
int64_t DaysOf(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = year / 400;
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct LocalTime {
  int64_t milliseconds = 0;  ///< since 1970 began there
  std::string zone;
};

/// `2026-01-31 06:00:00.123 CET`, the fraction or without it.
std::optional<LocalTime> ReadLocalTime(std::string_view text) {
  constexpr size_t kSeconds = 19;
  if (text.size() < kSeconds + 2 || text[4] != '-' || text[7] != '-' || text[10] != ' ' || text[13] != ':' ||
      text[16] != ':')
    return std::nullopt;
  std::array<int64_t, 6> parts{};
  constexpr std::array<std::pair<size_t, size_t>, 6> kPlaces{std::pair{0, 4},  std::pair{5, 2},  std::pair{8, 2},
                                                             std::pair{11, 2}, std::pair{14, 2}, std::pair{17, 2}};
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto part = ReadNumber(text.substr(kPlaces[i].first, kPlaces[i].second));
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  if (parts[1] < 1 || parts[1] > 12) return std::nullopt;
  text.remove_prefix(kSeconds);
  int64_t fraction = 0;
  if (text.starts_with('.')) {
    const auto thousandths = ReadNumber(text.substr(1, 3));
    if (!thousandths || text.size() < 6) return std::nullopt;
    fraction = *thousandths;
    text.remove_prefix(4);
  }
  if (!text.starts_with(' ')) return std::nullopt;
  const int64_t seconds = DaysOf(parts[0], parts[1], parts[2]) * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5];
  return LocalTime{seconds * 1000 + fraction, std::string(text.substr(1))};
}

/// The log has local times, and the session's beginning also since 1970: so no name of a zone has to be understood.
std::optional<int64_t> TimeOf(const JsonValue& line, int64_t began) {
  const auto now = ReadLocalTime(TextOf(line, "timestamp")), start = ReadLocalTime(TextOf(line, "session_start"));
  if (!now || !start || now->zone != start->zone) return std::nullopt;
  return began * 1000 + (now->milliseconds - start->milliseconds);
}

/// Five letters or digits, as every SQLSTATE; so what is kept of it is nobody's text.
bool IsCode(const std::string& text) {
  return text.size() == 5 && text.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string::npos;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void ReadLogged(std::string_view message, ServerLine& read) {
  constexpr std::string_view kNumber = " (OID ";
  if (TakePrefix(message, "statement: ")) {
    read.kind = LineKind::kQuery;
    read.text = std::string(message);
  } else if (TakePrefix(message, "execute fetch from ") || TakePrefix(message, "execute ")) {
    read.kind = LineKind::kExecute;
    const size_t colon = message.find(": ");
    read.text = std::string(colon == std::string_view::npos ? message : message.substr(colon + 2));
  } else if (TakePrefix(message, "fastpath function call: ")) {
    read.kind = LineKind::kFunction;
    const size_t at = message.rfind(kNumber);
    const std::string_view rest = at == std::string_view::npos ? "" : message.substr(at + kNumber.size());
    const size_t end = rest.find(')');
    if (end != std::string_view::npos && ReadNumber(rest.substr(0, end)))
      read.function = std::string(rest.substr(0, end));
  } else if (message.starts_with("disconnection: ")) {
    read.kind = LineKind::kEnd;
  }
}

bool EndsSession(const ServerLine& line) {
  return line.kind == LineKind::kEnd || line.kind == LineKind::kLogin || line.severity == "FATAL" ||
         line.severity == "PANIC";
}

const char* WordOf(LineKind kind) {
  switch (kind) {
    case LineKind::kQuery:
      return "logged_query";
    case LineKind::kExecute:
      return "logged_execute";
    case LineKind::kFunction:
      return "logged_function";
    case LineKind::kRefused:
      return "logged_refusal";
    case LineKind::kLogin:
      return "logged_login";
    case LineKind::kEnd:
      return "logged_end";
    case LineKind::kOther:
      return "logged_other";
  }
  return "";
}

}  // namespace

std::optional<ServerLine> ReadServerLine(std::string_view line) {
  const auto json = ParseJson(line);
  if (!json) return std::nullopt;
  ServerLine read;
  read.user = TextOf(*json, "user");
  read.session = TextOf(*json, "session_id");
  read.message = TextOf(*json, "message");
  read.severity = TextOf(*json, "error_severity");
  read.sqlstate = TextOf(*json, "state_code");
  const size_t point = read.session.find('.');
  const auto number = IntegerOf(*json, "line_num"), process = IntegerOf(*json, "pid");
  if (read.user.empty() || point == std::string::npos || !number || !process || *number <= 0 || *process <= 0)
    return std::nullopt;
  const auto began = ReadNumber(std::string_view(read.session).substr(0, point), 16);
  if (!began || *began > INT64_C(0xffffffff) ||
      ReadNumber(std::string_view(read.session).substr(point + 1), 16) != process)
    return std::nullopt;
  if (!IsCode(read.sqlstate)) read.sqlstate.clear();
  read.number = *number, read.process = *process, read.began = *began;
  read.at = TimeOf(*json, *began);
  if (read.severity == "LOG") {
    ReadLogged(read.message, read);
  } else if (read.severity == "ERROR" || read.severity == "FATAL" || read.severity == "PANIC") {
    read.kind = LineKind::kRefused;
    if (json->Find("statement") != nullptr) read.text = TextOf(*json, "statement");
    // Not where there is no room (53) or the server ends (57), which is nobody's doing.
    if (read.severity == "FATAL" && !read.text && read.number <= kLastOfLogin && !read.sqlstate.starts_with("53") &&
        !read.sqlstate.starts_with("57"))
      read.kind = LineKind::kLogin;
  }
  return read;
}

std::string FactOf(const ServerLine& line, const std::string& request) {
  using Json = nlohmann::ordered_json;
  Json fact{{"request", request},        {"session", line.session},   {"began", line.began},
            {"ends", EndsSession(line)}, {"kind", WordOf(line.kind)}, {"number", line.number},
            {"process", line.process}};
  fact["at"] = line.at ? Json(*line.at) : Json(nullptr);
  if (!line.function.empty()) fact["function"] = line.function;
  if (line.kind == LineKind::kRefused || line.kind == LineKind::kLogin)
    fact.update(Json{{"severity", line.severity}, {"sqlstate", line.sqlstate}});
  fact["flags"] = Json::array();
  const auto dump = [&] { return fact.dump(-1, ' ', false, Json::error_handler_t::replace); };
  if (!line.text) return dump();
  SentText sent;
  sent.text = *line.text;
  const sql::StatementFacts facts = sql::FactsOf(sent.text);
  fact["size"] = sent.text.size();
  fact["sha256"] = base::Sha256Hex(sent.text);
  fact["does"] = facts.kinds;
  fact["relations"] = Json::array();
  for (const sql::NamedRelation& one : facts.relations)
    fact["relations"].push_back(one.schema.empty() ? one.name : one.schema + "." + one.name);
  for (const Flag flag : FlagsOf(sent, {}))
    if (flag != Flag::kOutsideScope && flag != Flag::kManyRows) fact["flags"].push_back(NameOf(flag));
  return dump();
}

std::string PlainLine(std::string_view line) {
  const auto json = ParseJson(line);
  if (!json) return "";
  const std::string severity = TextOf(*json, "error_severity"), message = TextOf(*json, "message");
  if (severity.empty() || (severity == "LOG" && message.starts_with("disconnection: "))) return "";
  return base::AsText(fmt::format("{} [{}] {}:  {}\n", TextOf(*json, "timestamp"), IntegerOf(*json, "pid").value_or(0),
                                  severity, message));
}

}  // namespace yellow::access
