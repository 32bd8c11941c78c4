#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "access/report.h"
#include "base/check.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cli/access_call.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/text_table.h"
#include "cli/views/record.h"
#include "model/declared.h"
#include "model/people.h"

// Access for people: each command is a call to the service.
namespace yellow::cli {
namespace {

constexpr size_t kShownOfHash = 12;

Answered Call(const Program& program, const Options& options, const AccessOptions& access, const std::string& method,
              const std::string& path, const Json& body = Json::object()) {
  return Call(program, options, SocketOf(program, options, access.socket), method, path, body);
}

std::string Minutes(int64_t seconds) {
  if (seconds % 3600 == 0) return fmt::format("{} h", seconds / 3600);
  if (seconds < 120) return fmt::format("{} s", seconds);
  return fmt::format("{} min", (seconds + 59) / 60);
}

std::string TextAt(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

bool IsBreakGlass(const Json& request) { return TextAt(request, "kind") == "break_glass"; }

/// What comes next for it, as a command where there is one.
std::string NextStep(const Json& request) {
  const std::string state = TextAt(request, "state"), id = TextAt(request, "id");
  const std::string content = TextAt(request, "content").substr(0, kShownOfHash);
  if (state == "pending")
    return fmt::format("a senior looks at it and says: yellow access approve {} --content {}", id, content);
  if (state == "approved") return fmt::format("{} begins: yellow access activate {}", TextAt(request, "person"), id);
  const auto scope = model::ParseScope(TextAt(request, "scope"));
  if (state == "active" && scope && scope->kind == model::ScopeKind::kOperation)
    return fmt::format("yellow serve does it now: yellow access show {}", id);
  if (state == "active" && scope &&
      (scope->kind == model::ScopeKind::kShell || scope->kind == model::ScopeKind::kKubernetes))
    return fmt::format("use it: yellow access shell {}; give it back when it is done: yellow access release {}", id,
                       id);
  if (state == "active")
    return fmt::format("use it: yellow access sql {}; give it back when it is done: yellow access release {}", id, id);
  if (state == "in_review")
    return fmt::format("a senior reviews it: yellow access accept {} \"what was found\", or escalate", id);
  return "";
}

/// `: 3 rows, 1 table`, as what was done says it itself.
std::string FiguresOf(const Json& outcome) {
  std::string text;
  for (const auto& [name, value] : outcome.items())
    text += (text.empty() ? ": " : ", ") + name + " " + (value.is_string() ? value.get<std::string>() : value.dump());
  return text;
}

std::string Describe(const Json& request) {
  std::string text = fmt::format("Request {}: {}\n", TextAt(request, "id"), TextAt(request, "state"));
  const auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<10} {}\n", name, value);
  };
  if (IsBreakGlass(request)) line("kind", fmt::format("break-glass, {} approve", request.value("approvers", 0)));
  line("person", TextAt(request, "person"));
  line("scope", TextAt(request, "scope"));
  line("for", Minutes(request.value("seconds", int64_t{0})));
  line("ticket", TextAt(request, "ticket"));
  line("why", TextAt(request, "why"));
  const Json parameters = request.value("parameters", Json::object());
  for (const auto& [name, value] : parameters.items()) line(name.c_str(), value.get<std::string>());
  line("content", TextAt(request, "content").substr(0, kShownOfHash));
  line("asked", TextAt(request, "requested_at"));
  for (const Json& vote : request.value("votes", Json::array())) {
    const std::string note = TextAt(vote, "note");
    line(vote.value("approves", false) ? "approved" : "denied",
         fmt::format("by {} at {}{}", TextAt(vote, "person"), TextAt(vote, "at"), note.empty() ? "" : ": " + note));
  }
  line("activated", TextAt(request, "activated_at"));
  if (const int64_t left = request.value("seconds_left", int64_t{0}); left > 0)
    line("expires", TextAt(request, "expires_at") + ", in " + Minutes(left));
  for (const Json& session : request.value("sessions", Json::array())) {
    line("session",
         fmt::format("{} at {}{}", TextAt(session, "id"), TextAt(session, "began_at"),
                     TextAt(session, "end_reason").empty() ? ", goes on" : ": " + TextAt(session, "end_reason")));
    line("", TextAt(session, "recording"));
  }
  for (const Json& flag : request.value("flags", Json::array()))
    line("flag", fmt::format("{}: {}", TextAt(flag, "flag"), flag.value("times", int64_t{0})));
  if (const Json reason = request.value("reason", Json()); reason.is_object()) line("ended", TextAt(reason, "text"));
  if (TextAt(request, "state") == "in_review")
    line("review by", TextAt(request, "review_due_at") + (request.value("review_overdue", false) ? " (overdue)" : ""));
  if (const Json operation = request.value("operation", Json()); operation.is_object()) {
    line("operation", fmt::format("{}{}", TextAt(operation, "state"), FiguresOf(operation.value("outcome", Json()))));
    const std::string space = TextAt(operation, "space"), given_back = TextAt(operation, "space_given_back_at");
    if (space == "owed")
      line("space", "owed: what was removed lies in pages of the database yet; yellow doctor says why");
    if (space == "given_back") line("space", "given back at " + given_back);
  }
  if (const Json review = request.value("review", Json()); review.is_object())
    line(review.value("accepts", false) ? "accepted" : "escalated",
         fmt::format("by {} at {}: {}", TextAt(review, "person"), TextAt(review, "at"), TextAt(review, "sentence")));
  if (const std::string next = NextStep(request); !next.empty()) text += "  = " + next + "\n";
  return text;
}

int Show(const Program& program, const Options& options, const Answered& answered) {
  if (answered.status != kDone) return answered.status;
  program.out << (options.json ? Printed(answered.json) : Describe(answered.json));
  return kDone;
}

const std::string& IdOf(const AccessOptions& access) {
  if (IsAccessId(access.id)) return access.id;
  throw base::UsageError("a request is called by 16 hexadecimal digits").Remedy("yellow access list");
}

/// One thing that is done with a request that there is.
int Act(const Program& program, const Options& options, const AccessOptions& access, const std::string& verb,
        const Json& body) {
  return Show(program, options,
              Call(program, options, access, "POST", fmt::format("{}/{}/{}", kRequests, IdOf(access), verb), body));
}

Json WantedIn(const AccessOptions& access) {
  Json body = Json::object();
  if (!access.duration.empty()) {
    const auto duration = model::ParseDuration(access.duration);
    if (!duration)
      throw base::UsageError("this is not a duration: " + access.duration)
          .Remedy("write a number and a unit: --for 1h");
    body["seconds"] = duration->seconds;
  }
  if (!access.scope.empty()) body["scope"] = access.scope;
  if (!access.container.empty()) body["container"] = access.container;
  if (!access.ticket.empty()) body["ticket"] = access.ticket;
  if (!access.reason.empty()) body["why"] = access.reason;
  for (const std::string& parameter : access.parameters) {
    const size_t equals = parameter.find('=');
    if (equals == std::string::npos || equals == 0)
      throw base::UsageError("a parameter has no name: " + parameter).Remedy("write --parameter dataset=customers");
    body["parameters"][parameter.substr(0, equals)] = parameter.substr(equals + 1);
  }
  return body;
}

int PrintTable(const Program& program, const Json& list, const char* nothing) {
  std::vector<std::vector<std::string>> table{{"REQUEST", "STATE", "PERSON", "SCOPE", "TICKET", "FOR", ""}};
  for (const Json& one : list) {
    const int64_t left = one.value("seconds_left", int64_t{0});
    std::string note = one.value("review_overdue", false) ? "review overdue" : "";
    if (left > 0) note = Minutes(left) + " left";
    if (IsBreakGlass(one)) note = "break-glass" + (note.empty() ? "" : ", " + note);
    table.push_back({TextAt(one, "id"), TextAt(one, "state"), TextAt(one, "person"), TextAt(one, "scope"),
                     TextAt(one, "ticket"), Minutes(one.value("seconds", int64_t{0})), note});
  }
  if (table.size() == 1)
    program.out << nothing << "\n";
  else
    program.out << TextTable(table);
  return kDone;
}

std::string Joined(const Json& list) {
  std::string text;
  if (list.is_array())
    for (const Json& one : list)
      text += (text.empty() ? "" : " ") + (one.is_string() ? one.get<std::string>() : one.dump());
  return text;
}

/// What was stated, and what became of it, in a line.
std::vector<std::string> RowOf(const Json& statement) {
  const Json fact = statement.value("fact", Json::object());
  std::string does = Joined(fact.value("does", Json::array()));
  if (does.empty()) does = TextAt(fact, "tag");
  if (const std::string why = TextAt(fact, "why"); !why.empty()) does += (does.empty() ? "" : ": ") + why;
  if (const std::string sqlstate = TextAt(fact, "sqlstate"); !sqlstate.empty()) does = "refused " + sqlstate;
  return {TextAt(statement, "at"),
          TextAt(statement, "id"),
          fmt::format("{} {}", TextAt(fact, "kind"), fact.value("number", 0)),
          does,
          Joined(fact.value("relations", Json::array())),
          fact.contains("rows") ? fact.at("rows").dump() : "",
          Joined(fact.value("flags", Json::array()))};
}

std::vector<std::string> ReportRow(const Json& line) {
  std::string flags;
  for (const Json& flag : line.value("flags", Json::array()))
    flags += fmt::format("{}{}: {}", flags.empty() ? "" : ", ", TextAt(flag, "flag"), flag.value("times", int64_t{0}));
  const auto number = [&](const char* name) { return std::to_string(line.value(name, int64_t{0})); };
  const int64_t late = line.value("seconds_late", int64_t{0});
  return {TextAt(line, "requested_at"),
          TextAt(line, "id"),
          TextAt(line, "state"),
          TextAt(line, "person"),
          TextAt(line, "scope"),
          TextAt(line, "ticket"),
          Joined(line.value("approvers", Json::array())),
          number("minutes"),
          number("sessions"),
          number("statements"),
          TextAt(line, "reviewer"),
          late > 0 ? Minutes(late) : "",
          flags,
          Joined(line.value("exceptions", Json::array()))};
}

bool IsOver(const Json& request) {
  const std::string state = TextAt(request, "state");
  return state == "accepted" || state == "denied" || state == "withdrawn" || state == "lapsed";
}

/// What has ended, and what goes on and was used already.
bool IsForReview(const Json& request) {
  const std::string state = TextAt(request, "state");
  return state == "in_review" || (state == "active" && !request.value("sessions", Json::array()).empty());
}

/// The smaller, the sooner it is to be looked at.
auto UrgencyOf(const Json& request) {
  return std::make_tuple(TextAt(request, "state") != "in_review", !IsBreakGlass(request),
                         !request.value("review_overdue", false), request.value("flags", Json::array()).empty(),
                         TextAt(request, "review_due_at"));
}

int PrintStatements(const Program& program, const Options& options, const AccessOptions& access) {
  const Answered answered =
      Call(program, options, access, "GET", fmt::format("{}/{}/statements", kRequests, IdOf(access)));
  if (answered.status != kDone) return answered.status;
  if (options.json) {
    program.out << Printed(answered.json);
    return kDone;
  }
  std::vector<std::vector<std::string>> table{{"AT", "SESSION", "WHAT", "DOES", "OBJECTS", "ROWS", "FLAGS"}};
  for (const Json& one : answered.json) table.push_back(RowOf(one));
  if (table.size() == 1)
    program.out << "Nothing was asked of a server under this request.\n";
  else
    program.out << TextTable(table, {5});
  return kDone;
}

std::string HowItEnded(ports::RecordingEnd end, const std::string& why) {
  switch (end) {
    case ports::RecordingEnd::kExpired:
      return "its time is over";
    case ports::RecordingEnd::kCancelled:
      return why.empty() ? "the service has ended it" : why;
    case ports::RecordingEnd::kCannotRecord:
      return "it cannot be recorded" + (why.empty() ? "" : ": " + why);
    case ports::RecordingEnd::kServiceGone:
      return "the service has gone";
    case ports::RecordingEnd::kRecorderGone:
      return "its recorder was killed";
    case ports::RecordingEnd::kHungUp:
      return "the connection was closed";
    case ports::RecordingEnd::kEnded:
      return "its program has ended";
  }
  YELLOW_CHECK(false);
}

/// A recorded session of that program on this terminal.
int RunSession(const Program& program, const Options& options, const AccessOptions& access, const char* word) {
  if (options.json)
    throw base::UsageError(fmt::format("access {} is a terminal, and prints no JSON", word))
        .Remedy("leave --output json out");
  const bool is_sql = word == std::string_view("sql");
  bool piped = false;
  const ports::TerminalOutcome outcome = program.call_terminal(
      SocketOf(program, options, access.socket), fmt::format("{}/{}/session", kRequests, IdOf(access)),
      access.statement, [&](const ports::TerminalFacts& terminal) {
        piped = terminal.piped;
        return Json{{"program", word},
                    {"term", program.variable("TERM")},
                    {"columns", terminal.columns},
                    {"rows", terminal.rows},
                    {"piped", terminal.piped}}
            .dump();
      });
  if (outcome.answer.status != 101) return Refused(program, options, outcome.answer);
  if (!outcome.end) throw base::Error("session", "the connection to the service was lost").Retryable();
  constexpr int kConnectionLost = 2;  // psql's exit status
  if (*outcome.end == ports::RecordingEnd::kEnded && is_sql && piped && outcome.status == kConnectionLost)
    throw base::Error("session", "the connection to the database was lost").Retryable();
  if (*outcome.end == ports::RecordingEnd::kEnded) return outcome.status == 0 ? kDone : kFindings;
  throw base::Error("session", "the session is over: " + HowItEnded(*outcome.end, outcome.why));
}

}  // namespace

int AccessRequest(const Program& program, const Options& options, const AccessOptions& access) {
  return Show(program, options, Call(program, options, access, "POST", kRequests, WantedIn(access)));
}

int Erase(const Program& program, const Options& options, const AccessOptions& access) {
  const size_t dot = access.dataset.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == access.dataset.size())
    throw base::UsageError("this is no dataset: " + access.dataset).Remedy("write --dataset Shop.customers");
  Json key = Json::object();
  for (const std::string& part : access.key) {
    const size_t equals = part.find('=');
    if (part.empty()) throw base::UsageError("the key is empty").Remedy("write --key id= if that is the key of a row");
    if (equals == std::string::npos && access.key.size() == 1) {
      key.emplace("", part);
      continue;
    }
    if (equals == std::string::npos || equals == 0)
      throw base::UsageError("a part of the key has no column").Remedy("write --key id=C00017");
    if (!key.emplace(part.substr(0, equals), part.substr(equals + 1)).second)
      throw base::UsageError("a column of the key is given twice: " + part.substr(0, equals));
  }
  AccessOptions wanted = access;
  wanted.scope = "op:erase:" + access.dataset.substr(0, dot);
  if (wanted.duration.empty()) wanted.duration = "1h";
  if (wanted.reason.empty()) wanted.reason = "a row is to be erased, as the ticket says";
  Json body = WantedIn(wanted);
  body["parameters"] = {{"dataset", access.dataset.substr(dot + 1)}, {"key", base::AsPlainLine(key.dump())}};
  const int status = Show(program, options, Call(program, options, access, "POST", kRequests, body));
  if (status == kDone && !options.json)
    program.out << "Once it is approved and begun, yellow serve removes every version of this row from " +
                       access.dataset +
                       ", its changes\nand its bad rows, and from what masks have made of it with its key, and has all "
                       "that read it run again. This\ncannot be taken back. Whether there is such a row is not "
                       "looked at before. Remove it at its source first, or it\ncomes back with the next batch.\n";
  return status;
}

int AccessBreakGlass(const Program& program, const Options& options, const AccessOptions& access) {
  Json body = WantedIn(access);
  body["kind"] = "break_glass";
  return Show(program, options, Call(program, options, access, "POST", kRequests, body));
}

int AccessScopes(const Program& program, const Options& options, const AccessOptions& access) {
  const Answered answered = Call(program, options, access, "GET", "/v1/access/scopes");
  if (answered.status != kDone) return answered.status;
  if (options.json) {
    program.out << Printed(answered.json);
    return kDone;
  }
  std::vector<std::vector<std::string>> table{{"SCOPE", "LONGEST", "APPROVERS"}};
  for (const Json& one : answered.json)
    table.push_back(
        {TextAt(one, "key"), Minutes(one.value("longest", int64_t{0})), std::to_string(one.value("approvers", 1))});
  if (table.size() == 1)
    program.out << "There is nothing that you may ask for: the model declares no scopes.\n";
  else
    program.out << TextTable(table, {2});
  return kDone;
}

int AccessList(const Program& program, const Options& options, const AccessOptions& access) {
  Answered answered = Call(program, options, access, "GET", kRequests);
  if (answered.status != kDone) return answered.status;
  Json list = Json::array();
  for (Json& one : answered.json)
    if (access.all || !IsOver(one)) list.push_back(std::move(one));
  if (options.json) {
    program.out << Printed(list);
    return kDone;
  }
  return PrintTable(program, list,
                    "There is no request that waits or goes on; yellow access list --all shows the others.");
}

int AccessReview(const Program& program, const Options& options, const AccessOptions& access) {
  const std::string one = access.id.empty() ? "" : "/" + IdOf(access);
  Answered answered = Call(program, options, access, "GET", kRequests + one);
  if (answered.status != kDone) return answered.status;
  std::vector<Json> waiting;
  if (one.empty()) {
    std::copy_if(answered.json.begin(), answered.json.end(), std::back_inserter(waiting), IsForReview);
    std::stable_sort(waiting.begin(), waiting.end(),
                     [](const Json& a, const Json& b) { return UrgencyOf(a) < UrgencyOf(b); });
  } else {
    waiting.push_back(std::move(answered.json));
  }
  if (options.json) {
    program.out << Printed(Json(waiting));
    return kDone;
  }
  if (waiting.empty()) program.out << "There is nothing to review.\n";
  for (const Json& request : waiting) program.out << Describe(request);
  return one.empty() ? kDone : PrintStatements(program, options, access);
}

int AccessShow(const Program& program, const Options& options, const AccessOptions& access) {
  return Show(program, options, Call(program, options, access, "GET", std::string(kRequests) + "/" + IdOf(access)));
}

int AccessEdit(const Program& program, const Options& options, const AccessOptions& access) {
  return Act(program, options, access, "edit", WantedIn(access));
}

int AccessApprove(const Program& program, const Options& options, const AccessOptions& access) {
  return Act(program, options, access, "approve", {{"content", access.content}, {"note", access.note}});
}

int AccessDeny(const Program& program, const Options& options, const AccessOptions& access) {
  return Act(program, options, access, "deny", {{"content", access.content}, {"note", access.note}});
}

int AccessWithdraw(const Program& program, const Options& options, const AccessOptions& access) {
  return Act(program, options, access, "withdraw", Json::object());
}

int AccessActivate(const Program& program, const Options& options, const AccessOptions& access) {
  return Act(program, options, access, "activate", Json::object());
}

int AccessSql(const Program& program, const Options& options, const AccessOptions& access) {
  return RunSession(program, options, access, "sql");
}

int AccessShell(const Program& program, const Options& options, const AccessOptions& access) {
  return RunSession(program, options, access, "shell");
}

int AccessStatements(const Program& program, const Options& options, const AccessOptions& access) {
  return PrintStatements(program, options, access);
}

int AccessReport(const Program& program, const Options& options, const AccessOptions& access) {
  for (const std::string& day : {access.from, access.to})
    if (!access::IsDay(day))
      throw base::UsageError("this is not a day: " + day).Remedy("write it as in --from 2026-01-01 --to 2026-01-31");
  const Answered answered =
      Call(program, options, access, "GET", fmt::format("/v1/access/report?from={}&to={}", access.from, access.to));
  if (answered.status != kDone) return answered.status;
  if (options.json) {
    program.out << Printed(answered.json);
    return kDone;
  }
  std::vector<std::vector<std::string>> table{{"ASKED", "REQUEST", "STATE", "PERSON", "SCOPE", "TICKET", "APPROVED BY",
                                               "MINUTES", "SESSIONS", "STATEMENTS", "REVIEWED BY", "LATE", "FLAGS",
                                               "EXCEPTIONS"}};
  for (const Json& one : answered.json) table.push_back(ReportRow(one));
  if (table.size() == 1)
    program.out << "Nobody asked for access on these days.\n";
  else
    program.out << TextTable(table, {7, 8, 9});
  return kDone;
}

int AccessRelease(const Program& program, const Options& options, const AccessOptions& access) {
  return Act(program, options, access, "release", Json::object());
}

int AccessRevoke(const Program& program, const Options& options, const AccessOptions& access) {
  return Act(program, options, access, "revoke", {{"why", access.reason}});
}

int AccessAccept(const Program& program, const Options& options, const AccessOptions& access) {
  return Act(program, options, access, "accept", {{"sentence", access.note}});
}

int AccessEscalate(const Program& program, const Options& options, const AccessOptions& access) {
  return Act(program, options, access, "escalate", {{"sentence", access.note}});
}

}  // namespace yellow::cli
