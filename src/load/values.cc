#include <array>
#include <charconv>
#include <cmath>

#include "base/cron.h"
#include "load/readers.h"

// Readings of single values: names, durations, limits, schedules.
namespace yellow::load {
namespace {

constexpr double kMostRows = 1e15;
constexpr double kMostQuantity = 1e14;

std::optional<double> Number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0)) return std::nullopt;
  return value;
}

bool IsScalar(const Node* node) { return node != nullptr && node->kind == Node::Kind::kScalar; }

}  // namespace

std::string Text(const Node* node, const std::string& otherwise) { return IsScalar(node) ? node->text : otherwise; }

bool Boolean(const Node* node, bool otherwise) { return IsScalar(node) ? node->text == "true" : otherwise; }

int Integer(const Node* node, int otherwise) {
  int value = otherwise;
  if (IsScalar(node)) std::from_chars(node->text.data(), node->text.data() + node->text.size(), value);
  return value;
}

std::optional<model::Name> OptionalName(const Node* node) {
  if (!IsScalar(node)) return std::nullopt;
  return model::Name{node->text, node->where};
}

model::Name NameOf(const Node* node, const Node& parent) {
  return OptionalName(node).value_or(model::Name{"", parent.where});
}

std::vector<model::Name> Names(const Node* node) {
  std::vector<model::Name> names;
  if (IsScalar(node)) names.push_back({node->text, node->where});
  if (node != nullptr && node->kind == Node::Kind::kSequence) {
    for (const Node& item : node->items) names.push_back({item.text, item.where});
  }
  return names;
}

std::vector<std::string> Texts(const Node* node) {
  std::vector<std::string> texts;
  for (model::Name& name : Names(node)) texts.push_back(std::move(name.text));
  return texts;
}

std::optional<model::DatasetAddress> ParseAddress(const std::string& text) {
  const size_t dot = text.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == text.size() || text.find('.', dot + 1) != std::string::npos)
    return std::nullopt;
  return model::DatasetAddress{text.substr(0, dot), text.substr(dot + 1)};
}

std::optional<model::Duration> Reader::ReadDuration(const Node* node) {
  if (!IsScalar(node)) return std::nullopt;
  const auto duration = model::ParseDuration(node->text);
  if (!duration)
    diagnostics_.Error("Y207", node->where, "this is not a duration: " + node->text,
                       "write a number and a unit: 15s, 30m, 1h, 90d");
  return duration;
}

std::optional<model::RowLimit> Reader::ReadRowLimit(const Node* node) {
  if (!IsScalar(node)) return std::nullopt;
  const bool percent = node->text.ends_with('%');
  const auto number = Number(std::string_view(node->text).substr(0, node->text.size() - (percent ? 1 : 0)));
  if (!number || *number > (percent ? 100 : kMostRows) || (!percent && *number != std::floor(*number))) {
    diagnostics_.Error("Y207", node->where, "this is not a limit of rows: " + node->text,
                       "write a number of rows, or a percentage up to 100%");
    return std::nullopt;
  }
  if (percent) return model::RowLimit{std::nullopt, number};
  return model::RowLimit{static_cast<int64_t>(*number), std::nullopt};
}

std::optional<int64_t> Reader::ReadQuantity(const Node* node) {
  if (!IsScalar(node)) return std::nullopt;
  static constexpr std::array<std::pair<std::string_view, double>, 7> kUnits{
      {{"m", 1e-3}, {"k", 1e3}, {"Ki", 1024.0}, {"M", 1e6}, {"Mi", 1048576.0}, {"G", 1e9}, {"Gi", 1073741824.0}}};
  std::string_view digits = node->text;
  double unit = 1;
  for (const auto& [name, size] : kUnits) {
    if (!node->text.ends_with(name)) continue;
    digits = std::string_view(node->text).substr(0, node->text.size() - name.size());
    unit = size;
  }
  const auto number = Number(digits);
  if (!number || *number * unit <= 0 || *number * unit > kMostQuantity) {
    diagnostics_.Error("Y207", node->where, "this is not a quantity: " + node->text,
                       "write a number and a unit: cpu: 500m or 2, memory: 512Mi or 2Gi");
    return std::nullopt;
  }
  return static_cast<int64_t>(std::llround(*number * unit * 1000));
}

std::optional<model::Schedule> Reader::ReadSchedule(const Node* node) {
  if (node == nullptr || node->kind == Node::Kind::kSequence) return std::nullopt;
  model::Schedule schedule;
  schedule.where = node->where;
  const Node* cron = node->kind == Node::Kind::kScalar ? node : node->Find("cron");
  const Node* timezone = node->Find("timezone");
  schedule.cron = Text(cron);
  schedule.timezone = Text(timezone, "UTC");
  std::string why;
  if (!base::Cron::Parse(schedule.cron, &why)) {
    diagnostics_.Error("Y208", cron != nullptr ? cron->where : node->where, "this is not a cron schedule: " + why,
                       "write five fields, minute hour day month weekday, in quotes: \"*/5 * * * *\"");
    return std::nullopt;
  }
  if (!base::IsTimezone(schedule.timezone)) {
    diagnostics_.Error("Y208", timezone->where, "there is no such time zone: " + schedule.timezone,
                       "use an IANA name such as Europe/Paris");
    return std::nullopt;
  }
  return schedule;
}

model::Guards Reader::ReadGuards(const Node* node) {
  model::Guards guards;
  if (node == nullptr) return guards;
  if (const auto limit = ReadRowLimit(node->Find("max_deleted"))) guards.max_deleted = *limit;
  guards.max_rejected = ReadRowLimit(node->Find("max_rejected"));
  guards.may_go_back = Boolean(node->Find("may_go_back"), false);
  guards.may_become_empty = Names(node->Find("may_become_empty"));
  return guards;
}

model::AllowList Reader::ReadAllowList(const Node* node) {
  if (node == nullptr) return {};
  return {Names(node->Find("allowed")), Names(node->Find("forbidden"))};
}

}  // namespace yellow::load
