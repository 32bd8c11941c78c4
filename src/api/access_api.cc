#include "api/access_api.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "api/access_json.h"
#include "api/audit_api.h"
#include "base/check.h"
#include "base/error.h"

namespace yellow::api {
namespace {

using access::Refusal;
using access::Result;

int StatusOf(Refusal::Kind kind) {
  switch (kind) {
    case Refusal::Kind::kInvalid:
      return 400;
    case Refusal::Kind::kForbidden:
      return 403;
    case Refusal::Kind::kNotFound:
      return 404;
    case Refusal::Kind::kState:
      return 409;
    case Refusal::Kind::kUnavailable:
      return 503;
  }
  YELLOW_CHECK(false);
}

ports::DoorAnswer Refused(const Refusal& refusal) { return {StatusOf(refusal.kind), Printed(RefusalJson(refusal))}; }

ports::DoorAnswer Invalid(const std::string& text) { return Refused({Refusal::Kind::kInvalid, "call", text}); }

/// What a caller has sent, read strictly: a field that is not known is an error, not a wish that nobody hears.
class Body {
 public:
  explicit Body(const std::string& text) : json_(Json::parse(text.empty() ? "{}" : text, nullptr, false)) {
    if (!json_.is_object()) fault_ = "the body is not a JSON object";
  }
  std::string Text(const char* name) {
    known_.emplace_back(name);
    const auto found = json_.is_object() ? json_.find(name) : json_.end();
    if (!json_.is_object() || found == json_.end()) return "";
    if (!found->is_string()) fault_ = std::string(name) + " is not a text";
    return found->is_string() ? found->get<std::string>() : "";
  }
  /// An object of texts; empty when it is not there.
  std::map<std::string, std::string> Texts(const char* name) {
    known_.emplace_back(name);
    std::map<std::string, std::string> texts;
    if (!json_.is_object() || !json_.contains(name)) return texts;
    if (!json_.at(name).is_object()) fault_ = std::string(name) + " is not an object";
    for (const auto& [key, value] : json_.at(name).items()) {
      if (!value.is_string()) fault_ = std::string(name) + " has a value that is not a text";
      if (value.is_string()) texts[key] = value.get<std::string>();
    }
    return texts;
  }
  std::optional<int64_t> Number(const char* name) {
    known_.emplace_back(name);
    if (!json_.is_object() || !json_.contains(name)) return std::nullopt;
    const Json& value = json_.at(name);
    // What does not fit into 64 bits is read as a floating-point number, or as one without a sign.
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX)) {
      fault_ = std::string(name) + " is not a whole number";
      return std::nullopt;
    }
    return value.get<int64_t>();
  }
  /// False when it is not there.
  bool Flag(const char* name) {
    known_.emplace_back(name);
    if (!json_.is_object() || !json_.contains(name)) return false;
    if (!json_.at(name).is_boolean()) fault_ = std::string(name) + " is not true or false";
    return json_.at(name) == true;
  }
  /// Empty when it is all well. REQUIRES: every field was asked for.
  std::string Fault() const {
    if (!fault_.empty() || !json_.is_object()) return fault_;
    for (const auto& [name, value] : json_.items())
      if (std::find(known_.begin(), known_.end(), name) == known_.end())
        return "there is no field " + Json(name).dump();
    return "";
  }

 private:
  Json json_;
  std::vector<std::string> known_;
  std::string fault_;
};

ports::DoorAnswer Answer(const Result<access::Request>& result) {
  return result ? ports::DoorAnswer{200, Printed(RequestRecord().Write(*result))} : Refused(result.error());
}

access::Wanted WantedIn(Body& body) {
  access::Wanted wanted;
  wanted.scope = body.Text("scope");
  wanted.seconds = body.Number("seconds");
  wanted.ticket = body.Text("ticket");
  wanted.reason = body.Text("why");
  wanted.parameters = body.Texts("parameters");
  return wanted;
}

ports::DoorAnswer Ask(access::Desk& desk, const ports::DoorCall& call) {
  Body body(call.body);
  access::Wanted wanted = WantedIn(body);
  wanted.container = body.Text("container");
  const std::string word = body.Text("kind");
  const auto kind = access::RequestKindOf(word.empty() ? access::Word(wanted.kind) : word);
  if (!kind) return Invalid("kind is regular or break_glass");
  wanted.kind = *kind;
  if (const std::string fault = body.Fault(); !fault.empty()) return Invalid(fault);
  return Answer(desk.Ask(call.identity, wanted));
}

/// One thing that is done with a request.
using Act = std::function<Result<access::Request>(access::Desk&, const std::string& who, const std::string& id)>;

/// What the last word of the path does; null when it is no such word. Reads all of the body.
Act ActOf(const std::string& word, Body& body) {
  using access::Desk;
  if (word == "edit")
    return [wanted = WantedIn(body)](Desk& desk, auto& who, auto& id) { return desk.Edit(who, id, wanted); };
  if (word == "approve" || word == "deny")
    return [yes = word == "approve", content = body.Text("content"), note = body.Text("note")](
               Desk& desk, auto& who, auto& id) { return desk.Vote(who, id, content, yes, note); };
  if (word == "revoke")
    return [why = body.Text("why")](Desk& desk, auto& who, auto& id) { return desk.Revoke(who, id, why); };
  if (word == "accept" || word == "escalate")
    return [yes = word == "accept", sentence = body.Text("sentence")](Desk& desk, auto& who, auto& id) {
      return desk.Review(who, id, yes, sentence);
    };
  if (word == "withdraw") return [](Desk& desk, auto& who, auto& id) { return desk.Withdraw(who, id); };
  if (word == "activate") return [](Desk& desk, auto& who, auto& id) { return desk.Activate(who, id); };
  if (word == "release") return [](Desk& desk, auto& who, auto& id) { return desk.Release(who, id); };
  return nullptr;
}

template <typename T>
ports::DoorAnswer AnswerList(const Result<std::vector<T>>& result, const Record<T>& record) {
  return result ? ports::DoorAnswer{200, Printed(record.List(*result))} : Refused(result.error());
}

/// Read strictly, as a body is.
ports::DoorAnswer Report(access::Desk& desk, const ports::DoorCall& call) {
  if (call.query.size() != 2 || call.query.count("from") != 1 || call.query.count("to") != 1)
    return Invalid("a report is asked for as /v1/access/report?from=2026-01-01&to=2026-01-31");
  return AnswerList(desk.Report(call.identity, call.query.find("from")->second, call.query.find("to")->second),
                    ReportRecord());
}

ports::DoorAnswer NoSuchPath() {
  return {404, Printed(RefusalJson({Refusal::Kind::kNotFound, "path", "there is nothing at this path"}))};
}

/// The sealed bytes of a session's file, which come as they are read.
ports::DoorAnswer GiveEvidence(access::Desk& desk, const ports::DoorCall& call, const std::string& id,
                               const std::string& rest) {
  const size_t slash = rest.find('/');
  const std::string what = slash == std::string::npos ? "" : rest.substr(slash + 1);
  if (what != "recording" && what != "statements") return NoSuchPath();
  auto given = desk.GiveEvidence(call.identity, id, rest.substr(0, slash), what);
  if (!given) return Refused(given.error());
  ports::DoorAnswer answer;
  answer.next_piece = std::move(given->next_piece);
  answer.size = given->evidence.bytes;
  return answer;
}

/// What is read of a request. `here`: the caller is on the service's machine.
ports::DoorAnswer Look(access::Desk& desk, const ports::DoorCall& call, const std::string& id, const std::string& what,
                       bool here) {
  const std::string sessions = "sessions/";
  if (what == "statements") return AnswerList(desk.Statements(call.identity, id), StatementRecord());
  if (what == "evidence") return AnswerList(desk.ListEvidence(call.identity, id), EvidenceRecord());
  if (what.starts_with(sessions) && !here)
    return Refused({Refusal::Kind::kForbidden, "recording", "a recording is given on the machine of the service only",
                    "log in there: yellow access replay " + id});
  if (what.starts_with(sessions)) return GiveEvidence(desk, call, id, what.substr(sessions.size()));
  return NoSuchPath();
}

/// The connection becomes the terminal of a session.
ports::DoorAnswer BeginSession(access::Desk& desk, access::SessionHost& host, const ports::DoorCall& call,
                               const std::string& id) {
  Body body(call.body);
  const auto program = access::SessionProgramOf(body.Text("program"));
  access::TerminalWords terminal;
  terminal.term = body.Text("term");
  const int64_t columns = body.Number("columns").value_or(terminal.columns),
                rows = body.Number("rows").value_or(terminal.rows);
  terminal.piped = body.Flag("piped");
  if (const std::string fault = body.Fault(); !fault.empty()) return Invalid(fault);
  if (!program) return Invalid("program is sql or shell");
  constexpr int64_t kMost = 9999;
  if (columns < 1 || columns > kMost || rows < 1 || rows > kMost)
    return Invalid("a terminal has 1 to 9999 columns and rows");
  terminal.columns = static_cast<int>(columns), terminal.rows = static_cast<int>(rows);
  const auto found = desk.Find(call.identity, id);
  if (!found) return Refused(found.error());
  const auto admitted = host.Admit(*found, *program, terminal);
  if (!admitted) return Refused(admitted.error());
  return {101, "", [&host, admitted = *admitted](int socket) { host.Run(admitted, socket); }};
}

/// `host`: null where no sessions are.
ports::DoorAnswer Route(access::Desk& desk, access::AuditDesk& audit, access::SessionHost* host,
                        const ports::DoorCall& call) {
  if (call.path.starts_with("/v1/audit/")) return AnswerAudit(audit, call, host != nullptr);
  const std::string requests = "/v1/access/requests";
  const bool get = call.method == "GET", post = call.method == "POST";
  if (get && call.path == "/v1/access/scopes") return AnswerList(desk.Scopes(call.identity), ScopeRecord());
  if (get && call.path == "/v1/access/report") return Report(desk, call);
  if (get && call.path == requests) return AnswerList(desk.List(call.identity), RequestRecord());
  if (post && call.path == requests) return Ask(desk, call);
  if (!call.path.starts_with(requests + "/")) return NoSuchPath();
  const std::string rest = call.path.substr(requests.size() + 1);
  const size_t slash = rest.find('/');
  const std::string id = rest.substr(0, slash);
  if (slash == std::string::npos) return get ? Answer(desk.Show(call.identity, id)) : NoSuchPath();
  if (get) return Look(desk, call, id, rest.substr(slash + 1), host != nullptr);
  if (post && rest.substr(slash + 1) == "session") {
    if (host != nullptr) return BeginSession(desk, *host, call, id);
    return Refused({Refusal::Kind::kForbidden, "session", "a session is recorded on the machine of the service only",
                    "log in there: yellow access sql " + id});
  }
  Body body(call.body);
  const Act act = post ? ActOf(rest.substr(slash + 1), body) : nullptr;
  if (act == nullptr) return NoSuchPath();
  if (const std::string fault = body.Fault(); !fault.empty()) return Invalid(fault);
  return Answer(act(desk, call.identity, id));
}

/// An answer to whatever goes wrong.
template <typename Ask>
ports::DoorAnswer AnswerOf(Ask ask) {
  try {
    return ask();
  } catch (const base::Error& error) {
    return Refused({Refusal::Kind::kUnavailable, error.code, error.what(), error.remedy});
  } catch (const std::exception& error) {
    return {500, Printed(RefusalJson(
                     {Refusal::Kind::kUnavailable, "bug", std::string(error.what()) + " [this is a bug in yellow]"}))};
  }
}

ports::DoorAnswer NotKnown(const std::string& why) {
  return {401, Printed(RefusalJson({Refusal::Kind::kForbidden, "token", why,
                                    "get a token from the issuer and send it: Authorization: Bearer <token>"}))};
}

}  // namespace

ports::DoorAnswer AnswerAccess(access::Desk& desk, access::AuditDesk& audit, access::SessionHost& host,
                               const ports::DoorCall& call) {
  return AnswerOf([&] { return Route(desk, audit, &host, call); });
}

ports::DoorAnswer AnswerAccessByToken(access::Desk& desk, access::AuditDesk& audit, const TokenReader& who,
                                      ports::DoorCall call) {
  return AnswerOf([&] {
    if (call.token.empty()) return NotKnown("the call shows no token");
    const auto identity = who(call.token);
    if (!identity) return NotKnown(identity.error());
    call.identity = *identity;
    return Route(desk, audit, nullptr, call);
  });
}

}  // namespace yellow::api
