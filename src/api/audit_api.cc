#include "api/audit_api.h"

#include <charconv>
#include <set>

#include "api/access_json.h"
#include "api/audit_json.h"
#include "base/signature.h"

namespace yellow::api {
namespace {

constexpr int64_t kMostLines = 10'000;
constexpr size_t kDigitsOfPublicKey = 64;

/// What stands behind the question mark, read strictly: a word that is not known, is empty or stands twice is an error.
class Query {
 public:
  explicit Query(const std::multimap<std::string, std::string>& words) : words_(words) {}
  std::string Text(const std::string& name) {
    known_.insert(name);
    const auto found = words_.find(name);
    return found == words_.end() ? "" : found->second;
  }
  int64_t Number(const std::string& name, int64_t otherwise, int64_t least, int64_t most) {
    const std::string text = Text(name);
    if (text.empty()) return otherwise;
    int64_t number = 0;
    const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure == std::errc() && rest == text.data() + text.size() && number >= least && number <= most) return number;
    fault_ = name + " is a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    return otherwise;
  }
  /// As 2026-01-31T06:00:00Z.
  std::string Time(const std::string& name) {
    const std::string text = Text(name);
    if (!text.empty() && !access::IsInstant(text)) fault_ = name + " is a time as 2026-01-31T06:00:00Z";
    return text;
  }
  bool Truth(const std::string& name) {
    const std::string text = Text(name);
    if (!text.empty() && text != "true" && text != "false") fault_ = name + " is true or false";
    return text == "true";
  }
  /// Empty when it is all well. REQUIRES: every word was asked for.
  std::string Fault() const {
    for (const auto& [name, value] : words_) {
      if (known_.count(name) == 0) return "there is no word " + Json(name).dump(-1, ' ', false, kLenient);
      if (value.empty()) return name + " is empty: leave it out";
      if (words_.count(name) > 1) return name + " stands twice";
    }
    return fault_;
  }

 private:
  static constexpr auto kLenient = Json::error_handler_t::replace;

  const std::multimap<std::string, std::string>& words_;
  std::set<std::string> known_;
  std::string fault_;
};

ports::DoorAnswer RefusedAudit(const access::Refusal& refusal) {
  using Kind = access::Refusal::Kind;
  const auto status = [&] {
    switch (refusal.kind) {
      case Kind::kInvalid:
        return 400;
      case Kind::kForbidden:
        return 403;
      case Kind::kNotFound:
        return 404;
      case Kind::kState:
        return 409;
      case Kind::kUnavailable:
        return 503;
    }
    return 500;
  };
  return {status(), Printed(RefusalJson(refusal))};
}

ports::DoorAnswer InvalidQuery(const std::string& text) {
  return RefusedAudit({access::Refusal::Kind::kInvalid, "call", text});
}

/// An answer whose size nobody knows before. `write`: the text of a part. What goes wrong breaks it off.
template <typename T>
ports::DoorAnswer InParts(access::Result<access::Parts<T>> parts, std::function<std::string(const T&)> write) {
  if (!parts) return RefusedAudit(parts.error());
  ports::DoorAnswer answer;
  answer.size = ports::kSizeNotKnown;
  answer.next_piece = [next = std::move(*parts), write = std::move(write)]() -> std::optional<std::string> {
    try {
      const std::optional<T> part = next();
      if (!part) return "";
      std::string text = write(*part);
      return text.empty() ? "\n" : text;
    } catch (const std::exception&) {
      return std::nullopt;
    }
  };
  return answer;
}

std::string LinesOf(const std::vector<access::StoredRecord>& records) {
  std::string lines;
  for (const access::StoredRecord& record : records) lines += PrintedInLine(AuditRecordRecord().Write(record));
  return lines;
}

ports::DoorAnswer SearchRecords(access::AuditDesk& desk, const ports::DoorCall& call, Query words) {
  const access::AuditQuery query{words.Text("person"),  words.Text("action"), words.Text("subject"),
                                 words.Text("request"), words.Time("since"),  words.Time("until"),
                                 words.Text("text")};
  const std::string container = words.Text("container");
  if (const std::string fault = words.Fault(); !fault.empty()) return InvalidQuery(fault);
  if (const auto refusal = access::WhatIsWrongWith(query)) return RefusedAudit(*refusal);
  return InParts<std::vector<access::StoredRecord>>(desk.Search(call.identity, container, query), &LinesOf);
}

ports::DoorAnswer NewestRecords(access::AuditDesk& desk, const ports::DoorCall& call, Query words, bool here) {
  const int64_t lines = words.Number("lines", 20, 1, kMostLines);
  const bool follow = words.Truth("follow");
  const std::string container = words.Text("container");
  if (const std::string fault = words.Fault(); !fault.empty()) return InvalidQuery(fault);
  if (follow && !here)
    return RefusedAudit({access::Refusal::Kind::kForbidden, "follow",
                         "the audit log is followed on the machine of the service only",
                         "log in there: yellow audit tail --follow"});
  return InParts<std::vector<access::StoredRecord>>(
      desk.Tail(call.identity, container, static_cast<int>(lines), follow), &LinesOf);
}

ports::DoorAnswer VerifyLogs(access::AuditDesk& desk, const ports::DoorCall& call, Query words) {
  access::VerifyOptions options;
  options.key = words.Text("key");
  options.range.from = words.Number("from", options.range.from, 0, INT64_MAX);
  options.range.to = words.Number("to", options.range.to, 0, INT64_MAX);
  const std::string container = words.Text("container");
  if (const std::string fault = words.Fault(); !fault.empty()) return InvalidQuery(fault);
  if (!options.key.empty() && !base::IsHex(options.key, kDigitsOfPublicKey))
    return InvalidQuery("key is a public key: 64 lower-case hexadecimal digits");
  return InParts<std::vector<access::Verified>>(
      desk.Verify(call.identity, container, options), [](const std::vector<access::Verified>& found) {
        return found.empty() ? std::string() : Printed(VerifiedRecord().List(found));
      });
}

ports::DoorAnswer WholeLog(access::AuditDesk& desk, const ports::DoorCall& call, Query words) {
  const std::string container = words.Text("container");
  if (const std::string fault = words.Fault(); !fault.empty()) return InvalidQuery(fault);
  auto text = desk.Export(call.identity, container);
  if (!text) return RefusedAudit(text.error());
  ports::DoorAnswer answer;
  answer.size = text->bytes;
  answer.next_piece = [next = std::move(text->parts)]() -> std::optional<std::string> {
    try {
      return next().value_or("");
    } catch (const std::exception&) {
      return std::nullopt;
    }
  };
  return answer;
}

}  // namespace

ports::DoorAnswer AnswerAudit(access::AuditDesk& desk, const ports::DoorCall& call, bool here) {
  if (call.method == "GET") {
    const Query words(call.query);
    if (call.path == "/v1/audit/records") return SearchRecords(desk, call, words);
    if (call.path == "/v1/audit/newest") return NewestRecords(desk, call, words, here);
    if (call.path == "/v1/audit/verify") return VerifyLogs(desk, call, words);
    if (call.path == "/v1/audit/log") return WholeLog(desk, call, words);
  }
  return RefusedAudit({access::Refusal::Kind::kNotFound, "path", "there is nothing at this path"});
}

}  // namespace yellow::api
