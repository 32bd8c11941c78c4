#include "access/wire_record.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/digest.h"
#include "sql/statement_facts.h"

namespace yellow::access {
namespace {

using Json = nlohmann::ordered_json;

std::string DigestOf(const ports::WireText& text) {
  return text.sha256.empty() ? base::Sha256Hex(text.text) : text.sha256;
}

Json Whole(const ports::WireText& text) {
  Json json{{"text", text.text}};
  if (!text.sha256.empty()) json.update(Json{{"size", text.size}, {"sha256", text.sha256}});
  return json;
}

Json Whole(const std::vector<ports::WireParameter>& parameters) {
  Json list = Json::array();
  for (const ports::WireParameter& one : parameters) {
    Json value = one.null ? Json(nullptr) : Whole(one.value);
    if (one.binary && !one.null) value["binary"] = true;
    list.push_back(std::move(value));
  }
  return list;
}

Json Sizes(const ports::WireCopy& copy) { return {{"bytes", copy.bytes}, {"sha256", copy.sha256}}; }

const char* WordOf(ports::WireEnd end) {
  switch (end) {
    case ports::WireEnd::kComplete:
      return "complete";
    case ports::WireEnd::kEmpty:
      return "empty";
    case ports::WireEnd::kSuspended:
      return "suspended";
    case ports::WireEnd::kRefused:
      return "refused";
    case ports::WireEnd::kSkipped:
      return "skipped";
  }
  return "";
}

/// All of an event but its numbers.
struct WholeOf {
  Json operator()(const ports::WireConnected& it) const { return {{"kind", "connected"}, {"process", it.process}}; }
  Json operator()(const ports::WireServer& it) const { return {{"kind", "server"}, {"process", it.process}}; }
  Json operator()(const ports::WireQuery& it) const { return {{"kind", "query"}, {"statement", Whole(it.text)}}; }
  Json operator()(const ports::WireParse& it) const {
    return {{"kind", "parse"}, {"name", Whole(it.name)}, {"statement", Whole(it.text)}, {"types", it.parameter_types}};
  }
  Json operator()(const ports::WireBind& it) const {
    return {{"kind", "bind"},
            {"portal", Whole(it.portal)},
            {"name", Whole(it.statement)},
            {"of", it.parse},
            {"parameters", Whole(it.parameters)}};
  }
  Json operator()(const ports::WireExecute& it) const {
    return {{"kind", "execute"}, {"portal", Whole(it.portal)}, {"of", it.bind}, {"most_rows", it.most_rows}};
  }
  Json operator()(const ports::WireFunctionCall& it) const {
    return {{"kind", "function"}, {"function", it.function}, {"arguments", Whole(it.arguments)}};
  }
  Json operator()(const ports::WireCopyIn& it) const {
    return {{"kind", "copy_in"}, {"of", it.of}, {"data", Sizes(it.data)}, {"given_up", it.given_up}};
  }
  Json operator()(const ports::WireOutcome& it) const {
    Json json{{"kind", "outcome"}, {"of", it.of},     {"end", WordOf(it.end)},
              {"tag", it.tag},     {"rows", it.rows}, {"bytes", it.bytes}};
    if (it.copied_out) json["copied_out"] = Sizes(*it.copied_out);
    if (!it.sqlstate.empty()) json.update(Json{{"sqlstate", it.sqlstate}, {"message", it.message}});
    return json;
  }
  Json operator()(const ports::WireSetting& it) const {
    return {{"kind", "setting"}, {"name", it.name}, {"value", it.value}};
  }
  Json operator()(const ports::WireCancel& it) const { return {{"kind", "cancel"}, {"of_client", it.client}}; }
  Json operator()(const ports::WireTerminate&) const { return {{"kind", "terminate"}}; }
  Json operator()(const ports::WireGone& it) const {
    return {{"kind", "gone"}, {"why", it.reason}, {"server_ended", it.server_ended}};
  }
};

Json Names(const std::set<Flag>& flags) {
  Json names = Json::array();
  for (const Flag flag : flags) names.push_back(NameOf(flag));
  return names;
}

/// What is known of a text without its values: who it names, what a reviewer looks at.
Json Statement(const char* kind, const ports::WireText& text, bool plain_reading, const FlagRules& rules) {
  SentText sent;
  sent.text = text.text;
  sent.whole = text.sha256.empty();
  sent.plain_reading = plain_reading;
  const sql::StatementFacts facts = sql::FactsOf(text.text);
  Json relations = Json::array();
  for (const sql::NamedRelation& one : facts.relations)
    relations.push_back(one.schema.empty() ? one.name : one.schema + "." + one.name);
  return {{"kind", kind},        {"size", text.size},      {"sha256", DigestOf(text)},
          {"does", facts.kinds}, {"relations", relations}, {"flags", Names(FlagsOf(sent, rules))}};
}

/// What COPY has sent out, as its tag says it: `COPY 3000`.
int64_t RowsCopied(const ports::WireOutcome& it) {
  constexpr std::string_view kTag = "COPY ";
  int64_t rows = 0;
  if (it.copied_out && it.tag.starts_with(kTag))
    std::from_chars(it.tag.data() + kTag.size(), it.tag.data() + it.tag.size(), rows);
  return rows;
}

struct PartOf {
  const FlagRules& rules;

  Json operator()(const ports::WireConnected& it) const { return WholeOf{}(it); }
  Json operator()(const ports::WireServer& it) const { return WholeOf{}(it); }
  Json operator()(const ports::WireQuery& it) const { return Statement("query", it.text, it.plain_reading, rules); }
  Json operator()(const ports::WireParse& it) const { return Statement("parse", it.text, it.plain_reading, rules); }
  Json operator()(const ports::WireBind&) const { return nullptr; }
  Json operator()(const ports::WireExecute&) const { return nullptr; }
  Json operator()(const ports::WireFunctionCall& it) const {
    return {{"kind", "function"}, {"function", it.function}, {"flags", Names({Flag::kDoBlock})}};
  }
  Json operator()(const ports::WireCopyIn& it) const { return WholeOf{}(it); }
  Json operator()(const ports::WireOutcome& it) const {
    std::set<Flag> flags;
    if (it.end == ports::WireEnd::kRefused) flags.insert(Flag::kRefused);
    const int64_t copied = RowsCopied(it);
    if (std::max(it.rows, it.portal_rows) + copied >= rules.many_rows) flags.insert(Flag::kManyRows);
    Json json{{"kind", "outcome"}, {"of", it.of}, {"end", WordOf(it.end)}, {"tag", it.tag}};
    json["rows"] = it.rows + copied;
    json["bytes"] = it.bytes + (it.copied_out ? it.copied_out->bytes : 0);
    if (it.copied_out) json["copied_out"] = Sizes(*it.copied_out);
    if (!it.sqlstate.empty()) json["sqlstate"] = it.sqlstate;
    json["flags"] = Names(flags);
    return json;
  }
  Json operator()(const ports::WireSetting& it) const {
    // Others are told by every client at its start.
    if (it.name != "session_authorization" && it.name != "is_superuser") return nullptr;
    return {{"kind", "setting"}, {"name", it.name}, {"value", it.value}};
  }
  Json operator()(const ports::WireCancel& it) const { return WholeOf{}(it); }
  Json operator()(const ports::WireTerminate&) const { return nullptr; }
  Json operator()(const ports::WireGone& it) const { return WholeOf{}(it); }
};

std::string Numbered(const ports::WireEvent& event, const Json& what) {
  Json json{{"client", event.client}, {"number", event.number}};
  json.update(what);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string LineOf(const ports::WireEvent& event) { return Numbered(event, std::visit(WholeOf{}, event.what)); }

std::string FactOf(const ports::WireEvent& event, const FlagRules& rules) {
  const Json part = std::visit(PartOf{rules}, event.what);
  return part.is_null() ? "" : Numbered(event, part);
}

}  // namespace yellow::access
