#include "api/access_json.h"

namespace yellow::api {
namespace {

std::vector<std::string> StateWords() {
  std::vector<std::string> words;
  for (int i = 0; i <= static_cast<int>(access::RequestState::kLapsed); ++i)
    words.emplace_back(access::Word(static_cast<access::RequestState>(i)));
  return words;
}

std::vector<std::string> KindWords() {
  return {std::string(access::Word(access::RequestKind::kRegular)),
          std::string(access::Word(access::RequestKind::kBreakGlass))};
}

const Record<access::Vote>& VoteRecord() {
  using Vote = access::Vote;
  static const Record<Vote> kRecord = [] {
    Record<Vote> record;
    record.Field("person", "Who has voted.", &Vote::person)
        .Field("approves", "Whether for it.", &Vote::approves)
        .Field("content", "Hash of what the vote is for.", &Vote::content_hash)
        .Field("note", "What was said with it.", &Vote::note)
        .Time("at", "When.", &Vote::at);
    return record;
  }();
  return kRecord;
}

const Record<access::AccessSession>& SessionRecord() {
  using Session = access::AccessSession;
  static const Record<Session> kRecord = [] {
    Record<Session> record;
    record.Field("id", "The session.", &Session::id)
        .Time("began_at", "When it began.", &Session::began_at)
        .TimeOrNull("ended_at", "When it ended.", &Session::ended_at)
        .TextOrNull("end_reason", "Why it ended.", &Session::end_reason)
        .Field("recording", "The file of its recording, on the machine of the service.", &Session::recording)
        .Field("bytes", "The size of the recording.", &Session::bytes)
        .TextOrNull("sha256", "The digest of the recording.", &Session::sha256);
    return record;
  }();
  return kRecord;
}

const Record<access::FlagCount>& FlagRecord() {
  using FlagCount = access::FlagCount;
  static const Record<FlagCount> kRecord = [] {
    Record<FlagCount> record;
    record.Field("flag", "The flag.", &FlagCount::flag).Field("times", "How often.", &FlagCount::times);
    return record;
  }();
  return kRecord;
}

const Record<access::OperationRun>& OperationRecord() {
  using Run = access::OperationRun;
  static const Record<Run> kRecord = [] {
    Record<Run> record;
    record.Word("state", "How far it is.", {"due", "begun", "done", "failed"}, &Run::state)
        .TimeOrNull("began_at", "When it was begun.", &Run::began_at)
        .TimeOrNull("ended_at", "When it ended.", &Run::ended_at)
        .As("outcome", "Its figures, and why it failed.",
            {{"type", "object"}, {"additionalProperties", {{"type", Json::array({"string", "integer"})}}}},
            [](const Run& run) { return Json::parse(run.outcome); })
        .Word("space", "Whether the space of the rows that it has removed is given back: until then they lie in pages.",
              {"none", "owed", "given_back"}, &Run::space)
        .TimeOrNull("space_given_back_at", "When it was given back.", &Run::space_given_back_at);
    return record;
  }();
  return kRecord;
}

const Record<access::Review>& ReviewRecord() {
  using Review = access::Review;
  static const Record<Review> kRecord = [] {
    Record<Review> record;
    record.Field("person", "Who has reviewed it.", &Review::person)
        .Field("accepts", "Whether all was in order.", &Review::accepts)
        .Field("sentence", "What was found.", &Review::sentence)
        .Time("at", "When.", &Review::at);
    return record;
  }();
  return kRecord;
}

}  // namespace

const Record<access::Request>& RequestRecord() {
  using Request = access::Request;
  static const Record<Request> kRecord = [] {
    Record<Request> record;
    record.Field("id", "The request.", &Request::id)
        .Word("state", "Where it is in its life.", StateWords(),
              [](const Request& one) { return std::string(access::Word(one.state)); })
        .As("reason", "Why its access has ended.", OrNull(BecauseSchema()),
            [](const Request& one) {
              return Because(one.end_reason.empty() ? "" : std::string(access::Word(one.state)), one.end_reason);
            })
        .Word("kind", "Whether it is a break-glass.", KindWords(),
              [](const Request& one) { return std::string(access::Word(one.content.kind)); })
        .Field("container", "The merge database that it is for.", &Request::container)
        .Field("person", "Who asks.", [](const Request& one) { return one.content.person; })
        .Field("scope", "What for.", [](const Request& one) { return one.content.scope; })
        .Field("seconds", "For how long, from its activation on.",
               [](const Request& one) { return one.content.seconds; })
        .Field("ticket", "On which ground.", [](const Request& one) { return one.content.ticket; })
        .Field("why", "What is to be done.", [](const Request& one) { return one.content.reason; })
        .Field("grants", "The database groups that its login is a member of.",
               [](const Request& one) { return one.content.grants; })
        .As("parameters", "What an operation is to be done with; what is personal is gone when it is done.",
            {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}},
            [](const Request& one) { return Json(one.content.parameters); })
        .Field("content", "Hash of all that; a vote is for it.", &Request::content_hash)
        .Field("approvers", "How many have to approve it.", &Request::approvers)
        .List("votes", "Who has voted.", VoteRecord(), &Request::votes)
        .Time("requested_at", "When it was asked.", &Request::requested_at)
        .Time("lapses_at", "When it is void, unless it is active by then.", &Request::lapses_at)
        .TimeOrNull("activated_at", "When its time began.", &Request::activated_at)
        .TimeOrNull("expires_at", "When its time is over.", &Request::expires_at)
        .Field("seconds_left", "How much of it is left while it is active.", &Request::seconds_left)
        .TimeOrNull("ended_at", "When it was over.", &Request::ended_at)
        .List("sessions", "Its sessions.", SessionRecord(), &Request::sessions)
        .List("flags", "What a reviewer looks at first: flags of what was stated, with how often.", FlagRecord(),
              &Request::flags)
        .TimeOrNull("review_due_at", "By when it has to be reviewed.", &Request::review_due_at)
        .Field("review_overdue", "Whether nobody has, in time.", &Request::review_overdue)
        .Maybe("review", "Its review.", ReviewRecord(), &Request::review)
        .Maybe("operation", "What Yellow does under it.", OperationRecord(), &Request::operation);
    return record;
  }();
  return kRecord;
}

const Record<model::Scope>& ScopeRecord() {
  using Scope = model::Scope;
  static const Record<Scope> kRecord = [] {
    Record<Scope> record;
    record.Field("key", "The scope.", &Scope::Text)
        .Word("state", "What can be done with it.", {"open"}, [](const Scope&) { return "open"; })
        .NoReason()
        .Field("longest", "For how many seconds at most.", [](const Scope& scope) { return scope.longest.seconds; })
        .Field("approvers", "How many have to approve it.", &Scope::approvers);
    return record;
  }();
  return kRecord;
}

const Record<access::Statement>& StatementRecord() {
  using Statement = access::Statement;
  static const Record<Statement> kRecord = [] {
    Record<Statement> record;
    record.Field("id", "The session.", &Statement::session)
        .Word("state", "What is known of it.", {"recorded"}, [](const Statement&) { return "recorded"; })
        .NoReason()
        .Time("at", "When.", &Statement::at)
        .As("fact", "What was asked or answered: kind, client, number, sizes, digests, names, counts, flags.",
            {{"type", "object"}, {"additionalProperties", true}},
            [](const Statement& one) { return Json::parse(one.fact, nullptr, false); });
    return record;
  }();
  return kRecord;
}

const Record<access::Evidence>& EvidenceRecord() {
  using Evidence = access::Evidence;
  static const Record<Evidence> kRecord = [] {
    Record<Evidence> record;
    record.Field("session", "The session.", &Evidence::session)
        .Word("what", "Its terminal, or what was asked of the database.", {"recording", "statements"}, &Evidence::what)
        .Field("file", "The file, on the machine of the service.", &Evidence::file)
        .Field("bytes", "Its size.", &Evidence::bytes)
        .Field("sha256", "Its digest, as the audit log has it.", &Evidence::sha256)
        .TimeOrNull("deleted_at", "Since when it is kept no more.", &Evidence::deleted_at);
    return record;
  }();
  return kRecord;
}

const Record<access::ReportLine>& ReportRecord() {
  using Line = access::ReportLine;
  static const Record<Line> kRecord = [] {
    std::vector<std::string> exceptions;
    for (const access::Exception one : access::kAllExceptions) exceptions.emplace_back(access::Word(one));
    Record<Line> record;
    record.Field("id", "The request.", &Line::id)
        .Word("state", "Where it is in its life.", StateWords(),
              [](const Line& line) { return std::string(access::Word(line.state)); })
        .NoReason()
        .Word("kind", "Whether it is a break-glass.", KindWords(),
              [](const Line& line) { return std::string(access::Word(line.kind)); })
        .Field("container", "The merge database that it is for.", &Line::container)
        .Time("requested_at", "When it was asked.", &Line::requested_at)
        .Field("person", "Who has asked.", &Line::person)
        .Field("scope", "What for.", &Line::scope)
        .Field("ticket", "On which ground.", &Line::ticket)
        .Field("approvers", "Who has approved it.", &Line::approvers)
        .Field("minutes", "How long it was used, begun minutes; up to now while it is active.", &Line::minutes)
        .Field("sessions", "How many sessions there were.", &Line::sessions)
        .Field("statements", "How many statements were sent.", &Line::statements)
        .List("flags", "Flags of what was stated, with how often.", FlagRecord(), &Line::flags)
        .TextOrNull("reviewer", "Who has reviewed it.", &Line::reviewer)
        .Field("seconds_late", "How late its review was, or is while there is none; 0: in time.", &Line::seconds_late)
        .As("exceptions", "What is not as it should be, or not usual.", ListOf({{"enum", exceptions}}),
            [](const Line& line) {
              Json words = Json::array();
              for (const access::Exception one : line.exceptions) words.push_back(access::Word(one));
              return words;
            });
    return record;
  }();
  return kRecord;
}

Json RefusalJson(const access::Refusal& refusal) {
  return {{"error", {{"code", refusal.code}, {"text", refusal.text}, {"remedy", refusal.remedy}}}};
}

}  // namespace yellow::api
