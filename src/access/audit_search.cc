#include "access/audit_search.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "access/report.h"

namespace yellow::access {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool FitsAction(const std::string& action, const std::string& wanted) {
  if (!wanted.ends_with(".*")) return wanted.empty() || action == wanted;
  return action.starts_with(std::string_view(wanted).substr(0, wanted.size() - 1));
}

}  // namespace

bool IsInstant(const std::string& text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
  constexpr size_t kDay = 10;  // digits and dashes
  if (text.size() != kForm.size() || !IsDay(text.substr(0, kDay))) return false;
  for (size_t i = kDay; i < text.size(); ++i)
    if (kForm[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != kForm[i]) return false;
  const std::string time = text.substr(kDay + 1);
  return time.substr(0, 2) <= "23" && time.substr(3, 2) <= "59" && time.substr(6, 2) <= "59";
}

std::optional<Refusal> WhatIsWrongWith(const AuditQuery& query) {
  if (query.since.empty() || query.until.empty() || query.since <= query.until) return std::nullopt;
  return Refusal{Refusal::Kind::kInvalid, "time",
                 "the first time is later than the last: " + query.since + ", " + query.until,
                 "--since " + query.until + " --until " + query.since};
}

JsonValue::Object WordsOf(const AuditQuery& query) {
  JsonValue::Object words;
  for (const auto& [name, value] : {std::pair("person", &query.person),
                                    {"action", &query.action},
                                    {"subject", &query.subject},
                                    {"request", &query.request},
                                    {"since", &query.since},
                                    {"until", &query.until},
                                    {"text", &query.text}})
    if (!value->empty()) words[name] = {*value};
  return words;
}

bool Fits(const AuditRecord& record, const AuditQuery& query) {
  if (record.id == query.reading && record.action == "audit.read") return false;
  const auto is = [](const std::string& value, const std::string& wanted) { return wanted.empty() || value == wanted; };
  if (!is(record.person, query.person) || !FitsAction(record.action, query.action) ||
      !is(record.subject, query.subject) || !is(record.request, query.request))
    return false;
  // Both have the same form as far as the shorter one goes; what is behind the seconds makes it later.
  if (!query.since.empty() && record.at < query.since.substr(0, query.since.find_last_not_of('Z') + 1)) return false;
  if (!query.until.empty() && record.at >= query.until.substr(0, query.until.find_last_not_of('Z') + 1)) return false;
  if (query.text.empty()) return true;
  const std::string all = record.person + "\n" + record.action + "\n" + record.subject + "\n" + record.request + "\n" +
                          record.login + "\n" + Canonical(record.details);
  return Lower(all).find(Lower(query.text)) != std::string::npos;
}

std::vector<StoredRecord> FindRecords(const std::string& log, std::vector<StoredRecord> waiting,
                                      const AuditQuery& query) {
  std::vector<StoredRecord> found;
  std::set<std::pair<int64_t, std::string>> known;
  for (const std::string_view line : SplitLines(log).whole) {
    auto parsed = ParseLine(line);
    auto* chained = parsed ? std::get_if<ChainedRecord>(&*parsed) : nullptr;
    if (chained == nullptr) continue;
    if (!waiting.empty()) known.emplace(chained->record.id, chained->record.at);
    if (Fits(chained->record, query)) found.push_back({std::move(chained->record), chained->head});
  }
  // One that was chained between the two readings stands in the files already.
  for (StoredRecord& record : waiting) {
    if (known.count({record.record.id, record.record.at}) == 0 && Fits(record.record, query))
      found.push_back(std::move(record));
  }
  return found;
}

}  // namespace yellow::access
