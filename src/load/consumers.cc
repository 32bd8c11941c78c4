#include "load/readers.h"

// Workspaces and their transformers.
namespace yellow::load {
namespace {

std::string Under(const std::string& folder, std::string path) {
  while (!path.empty() && path.back() == '/') path.pop_back();
  while (path.starts_with("./")) path = path.substr(2);
  return folder.empty() ? path : folder + "/" + path;
}

/// True for a path that leads out of the folder it is relative to.
bool Leaves(const std::string& path) {
  return path.starts_with('/') || ("/" + path + "/").find("/../") != std::string::npos;
}

}  // namespace

std::optional<std::string> FolderOfCode(const std::string& folder, const std::string& path) {
  if (Leaves(path)) return std::nullopt;
  return Under(folder, path);
}

void Reader::ReadWorkspace(const Node& node, const Place& place) {
  model::Workspace workspace;
  workspace.name = Text(node.Find("name"));
  workspace.owner = place.owner;
  workspace.where = node.Find("name") != nullptr ? node.Find("name")->where : node.where;
  const std::string priority = Text(node.Find("priority"));
  if (priority == "critical") workspace.priority = model::Priority::kCritical;
  if (priority == "high") workspace.priority = model::Priority::kHigh;
  if (priority == "medium") workspace.priority = model::Priority::kMedium;
  if (priority == "low") workspace.priority = model::Priority::kLow;
  workspace.production = Boolean(node.Find("production"), false);
  workspace.container = OptionalName(node.Find("container"));
  workspace.readers = Names(node.Find("readers"));
  if (const Node* groups = node.Find("groups")) {
    if (groups->entries.empty())
      diagnostics_.Error("Y202", groups->where, "a Workspace needs groups: " + workspace.name, "name at least one");
    for (const auto& [name, value] : groups->entries) workspace.groups.push_back(ReadGroup(name, value));
  }
  if (const Node* transformer = node.Find("transformer")) {
    workspace.transformer = ReadTransformer(workspace.name, *transformer, place);
  }
  model_.workspaces.push_back(std::move(workspace));
}

model::DatasetGroup Reader::ReadGroup(const Node& name, const Node& node) {
  model::DatasetGroup group;
  group.name = name.text;
  group.where = name.where;
  if (const Node* requirements = node.Find("requires")) {
    const std::string milestoning = Text(requirements->Find("milestoning"));
    if (milestoning == "live") group.requirements.milestoning = model::Milestoning::kLive;
    if (milestoning == "forensic") group.requirements.milestoning = model::Milestoning::kForensic;
    group.requirements.platform = OptionalName(requirements->Find("platform"));
  }
  if (const Node* sinks = node.Find("sinks")) {
    if (sinks->items.empty())
      diagnostics_.Error("Y202", sinks->where, "a group needs sinks: " + group.name, "name at least one");
    for (const Node& item : sinks->items) {
      if (auto sink = ReadSink(item)) group.sinks.push_back(std::move(*sink));
    }
  }
  return group;
}

std::optional<model::DatasetSink> Reader::ReadSink(const Node& node) {
  const Node* address = node.kind == Node::Kind::kScalar ? &node : node.Find("dataset");
  if (address == nullptr || address->kind != Node::Kind::kScalar) return std::nullopt;
  const auto parsed = ParseAddress(address->text);
  if (!parsed) {
    diagnostics_.Error("Y211", address->where, "this is not the address of a dataset: " + address->text,
                       "write Store.dataset, or \"Store.*\" for all of them");
    return std::nullopt;
  }
  model::DatasetSink sink;
  sink.dataset = *parsed;
  sink.where = address->where;
  sink.reference = Boolean(node.Find("reference"), false);
  sink.alias = Text(node.Find("as"));
  sink.deprecated_allowed = Text(node.Find("deprecated")) == "allowed";
  return sink;
}

model::DataTransformer Reader::ReadTransformer(const std::string& workspace, const Node& node, const Place& place) {
  model::DataTransformer transformer;
  transformer.where = node.where;
  if (const Node* code = node.Find("code"); code != nullptr && code->kind == Node::Kind::kMapping) {
    transformer.code = ReadCode(*code, place);
  }
  if (const Node* trigger = node.Find("trigger")) transformer.trigger = ReadTrigger(*trigger);
  transformer.deterministic = Boolean(node.Find("deterministic"), transformer.code.sql || transformer.code.mask);
  if (Text(node.Find("mode")) == "incremental") transformer.mode = model::Mode::kIncremental;
  if (const auto timeout = ReadDuration(node.Find("timeout"))) transformer.timeout = *timeout;
  if (const auto limit = ReadDuration(node.Find("start_limit"))) transformer.start_limit = *limit;
  transformer.retries = Integer(node.Find("retries"), transformer.retries);
  if (Text(node.Find("snapshot")) == "required") transformer.snapshot = model::SnapshotUse::kRequired;
  transformer.platform = OptionalName(node.Find("platform"));
  transformer.credentials = Names(node.Find("credentials"));
  if (const Node* output = node.Find("output"); output != nullptr && output->kind == Node::Kind::kMapping) {
    ReadOutput(workspace, *output, transformer);
  }
  return transformer;
}

model::Code Reader::ReadCode(const Node& node, const Place& place) {
  model::Code code;
  code.where = node.where;
  const std::vector<std::string> command = Texts(node.Find("command"));
  if (const Node* sql = node.Find("sql"); sql != nullptr && StaysInside(*sql))
    code.sql = model::SqlCode{Under(place.folder, sql->text)};
  if (const Node* image = node.Find("image")) code.image = model::ImageCode{image->text, command};
  if (const Node* source = node.Find("source"); source != nullptr && StaysInside(*source)) {
    code.process = model::ProcessCode{Under(place.folder, source->text), command};
    if (command.empty()) {
      diagnostics_.Error("Y202", source->where, "code with a source needs a command",
                         "add command: [python3, main.py]");
    }
  }
  if (const Node* mask = node.Find("mask")) {
    model::MaskCode rules;
    for (const auto& [dataset, columns] : mask->entries) rules.rules[dataset.text] = ReadMaskRules(columns);
    rules.mask_key = OptionalName(node.Find("mask_key"));
    code.mask = std::move(rules);
  }
  code.arguments = Texts(node.Find("arguments"));
  if (const Node* variables = node.Find("environment")) code.environment = ReadPlainVariables(*variables);
  if (const Node* resources = node.Find("resources")) code.resources = ReadResources(*resources);
  CheckCode(node);
  return code;
}

std::map<std::string, std::string> Reader::ReadPlainVariables(const Node& node) {
  std::map<std::string, std::string> variables;
  for (const auto& [name, value] : node.entries) {
    const bool letters =
        !name.text.empty() && !(name.text[0] >= '0' && name.text[0] <= '9') &&
        std::all_of(name.text.begin(), name.text.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        });
    if (!letters) {
      diagnostics_.Error("Y215", name.where, "this is not the name of a variable: " + name.text,
                         "use letters, digits and _, such as LOG_LEVEL");
    } else if (name.text.starts_with("PG") || name.text.starts_with("YELLOW_")) {
      diagnostics_.Error("Y215", name.where, "Yellow sets this variable itself, or may: " + name.text,
                         "use a name that begins with neither PG nor YELLOW_");
    }
    variables[name.text] = value.text;
  }
  return variables;
}

model::Resources Reader::ReadResources(const Node& node) {
  model::Resources resources;
  if (const Node* limits = node.Find("limits")) {
    if (const auto cpu = ReadQuantity(limits->Find("cpu"))) resources.millicores = *cpu;
    if (const auto memory = ReadQuantity(limits->Find("memory"))) resources.memory = *memory / 1000;
    if (const auto tmp = ReadQuantity(limits->Find("tmp"))) resources.scratch = *tmp / 1000;
    resources.processes = Integer(limits->Find("processes"), static_cast<int>(resources.processes));
  }
  if (const Node* requests = node.Find("requests")) {
    resources.requested_millicores = ReadQuantity(requests->Find("cpu"));
    if (const auto memory = ReadQuantity(requests->Find("memory"))) resources.requested_memory = *memory / 1000;
  }
  const bool above = resources.requested_memory.value_or(0) > resources.memory ||
                     resources.requested_millicores.value_or(0) > resources.millicores;
  constexpr int64_t kLeastMemory = int64_t{16} << 20;  // no program starts in less; engines refuse less than 6 MiB
  if (above)
    diagnostics_.Error("Y216", node.where, "more is requested than the limits allow",
                       "raise limits, or lower requests");
  if (resources.memory < kLeastMemory)
    diagnostics_.Error("Y216", node.where, "nothing starts in so little memory", "write memory: 64Mi or more");
  return resources;
}

/// Code lies beside its document, so that its owner owns the code too.
bool Reader::StaysInside(const Node& path) {
  if (!Leaves(path.text)) return true;
  diagnostics_.Error("Y213", path.where, "code lies in a folder beside its document: " + path.text,
                     "write a relative path without ..");
  return false;
}

void Reader::CheckCode(const Node& node) {
  const bool sql = node.Find("sql") != nullptr, mask = node.Find("mask") != nullptr;
  const bool outside = node.Find("source") != nullptr || node.Find("image") != nullptr;
  if (!sql && !mask && !outside) {
    diagnostics_.Error("Y206", node.where, "there is no code here",
                       "write one of: sql, mask, source with command, image");
  } else if ((sql && mask) || ((sql || mask) && outside)) {
    diagnostics_.Error("Y206", node.where, "sql and mask run inside Yellow, each alone",
                       "write sql, or mask, or code for launchers: source with command, image");
  }
  if (const Node* command = node.Find("command"); command != nullptr && !outside)
    diagnostics_.Error("Y206", command->where, "a command needs a source or an image", "add source: <folder>");
  for (const char* key : {"arguments", "environment"}) {
    if (const Node* given = node.Find(key); given != nullptr && !outside)
      diagnostics_.Error("Y206", given->where, std::string(key) + " is for a source or an image", "leave it out");
  }
  if (const Node* resources = node.Find("resources"); resources != nullptr && node.Find("image") == nullptr)
    diagnostics_.Error("Y206", resources->where, "resources is for an image", "leave it out");
  if (const Node* key = node.Find("mask_key"); key != nullptr && !mask)
    diagnostics_.Error("Y206", key->where, "mask_key is for mask", "leave it out");
}

std::map<std::string, model::MaskRule> Reader::ReadMaskRules(const Node& node) {
  std::map<std::string, model::MaskRule> rules;
  for (const auto& [column, value] : node.entries) {
    model::MaskRule rule;
    rule.where = value.where;
    const std::string word = value.kind == Node::Kind::kScalar ? value.text : "keep";
    if (word == "keep") {
      rule.reason = Text(value.Find("keep"));
      if (rule.reason.empty()) {
        diagnostics_.Error("Y212", value.where, "keep needs a reason: " + column.text,
                           "write {keep: \"why this may be seen\"}");
      }
    } else if (word == "redact") {
      rule.kind = model::MaskRuleKind::kRedact;
    } else if (word == "null") {
      rule.kind = model::MaskRuleKind::kNull;
    } else if (word == "year") {
      rule.kind = model::MaskRuleKind::kYear;
    } else if (word == "pseudonym") {
      rule.kind = model::MaskRuleKind::kPseudonym;
    } else if (word.starts_with("last") && word.size() > 4 && word.size() < 7 && word[4] != '0' &&
               word.find_first_not_of("0123456789", 4) == std::string::npos) {
      rule.kind = model::MaskRuleKind::kLast;
      rule.last = std::stoi(word.substr(4));
    } else {
      diagnostics_.Error("Y212", value.where, "there is no such mask rule: " + word,
                         "use redact, null, year, last<N> such as last4, pseudonym, or {keep: reason}");
    }
    rules[column.text] = std::move(rule);
  }
  return rules;
}

void Reader::CheckOutputDataset(const Node& node, const OutputDraft& draft) {
  const Node* of_the_other = node.Find(draft.like ? "key" : "drop");
  if (draft.like.has_value() == (node.Find("columns") != nullptr) || of_the_other != nullptr) {
    diagnostics_.Error("Y206", of_the_other == nullptr ? draft.dataset.where : of_the_other->where,
                       "an output dataset is like another, or has key and columns of its own: " + draft.dataset.name,
                       "write {like: Store.dataset, drop: […]}, or key and columns");
  }
}

void Reader::ReadOutput(const std::string& workspace, const Node& node, model::DataTransformer& transformer) {
  transformer.output = OptionalName(node.Find("datastore")).value_or(model::Name{"", node.where});
  if (const Node* datasets = node.Find("datasets")) {
    for (const auto& [name, value] : datasets->entries) {
      OutputDraft draft;
      draft.workspace = workspace;
      draft.store = transformer.output.text;
      draft.dataset = ReadDataset(name.text, value, false);
      draft.dataset.where = name.where;
      draft.like = OptionalName(value.Find("like"));
      draft.drop = Names(value.Find("drop"));
      CheckOutputDataset(value, draft);
      outputs_.push_back(std::move(draft));
    }
  }
  if (const Node* list = node.Find("declassify")) {
    for (const Node& item : list->items) {
      model::Declassification declassification{Names(item.Find("columns")), NameOf(item.Find("to"), item),
                                               Text(item.Find("reason")), NameOf(item.Find("approved_by"), item),
                                               item.where};
      transformer.declassify.push_back(std::move(declassification));
    }
  }
  model::Datastore store;
  store.name = transformer.output.text;
  store.where = transformer.output.where;
  store.capture = model::TransformerOutput{workspace, ReadGuards(node.Find("guards"))};
  model_.datastores.push_back(std::move(store));
}

model::Trigger Reader::ReadTrigger(const Node& node) {
  model::Trigger trigger;
  if (node.kind == Node::Kind::kMapping) {
    trigger.kind = model::TriggerKind::kCron;
    trigger.schedule = ReadSchedule(node.Find("cron"));
  } else if (node.text == "any_change") {
    trigger.kind = model::TriggerKind::kAnyChange;
  } else if (node.text == "all_inputs") {
    trigger.kind = model::TriggerKind::kAllInputs;
  }
  return trigger;
}

}  // namespace yellow::load
