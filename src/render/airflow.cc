#include "render/airflow.h"

#include <cctype>
#include <nlohmann/json.hpp>

namespace yellow::render {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 2;  // what yellow_airflow reads

Json ScheduleJson(const AirflowSchedule& schedule) {
  switch (schedule.kind) {
    case AirflowSchedule::Kind::kNever:
      return nullptr;
    case AirflowSchedule::Kind::kAny:
      return {{"any", schedule.assets}};
    case AirflowSchedule::Kind::kAll:
      return {{"all", schedule.assets}};
    case AirflowSchedule::Kind::kCron:
      return {{"cron", schedule.cron}, {"timezone", schedule.timezone}};
  }
  return nullptr;
}

Json IngestJson(const AirflowIngest& ingest) {
  return {{"dag", ingest.dag},       {"node", ingest.node},         {"schedule", ScheduleJson(ingest.schedule)},
          {"assets", ingest.assets}, {"priority", ingest.priority}, {"team", ingest.team},
          {"output", ingest.output}, {"group", ingest.group}};
}

Json TransformJson(const AirflowTransform& transform) {
  return {{"dag", transform.dag},
          {"node", transform.node},
          {"schedule", ScheduleJson(transform.schedule)},
          {"output", transform.output},
          {"deferred", transform.deferred},
          {"timeout", transform.timeout},
          {"priority", transform.priority},
          {"team", transform.team},
          {"group", transform.group}};
}

}  // namespace

std::string AirflowName(const std::string& project) {
  std::string name;
  for (const char c : project) {
    const auto byte = static_cast<unsigned char>(c);
    name += std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '_';
  }
  return name.empty() ? "yellow" : name;
}

std::string AirflowWord(std::string text) {
  for (char& c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_') c = '.';
  return text;
}

std::vector<std::pair<std::string, std::string>> AirflowFiles(const AirflowProject& project) {
  const std::string stem = "yellow_" + project.name;
  Json compiled{{"format", kFormat},          {"name", project.name},
                {"command", project.command}, {"reconcile", project.reconcile},
                {"ingests", Json::array()},   {"transforms", Json::array()}};
  for (const AirflowIngest& ingest : project.ingests) compiled["ingests"].push_back(IngestJson(ingest));
  for (const AirflowTransform& transform : project.transforms)
    compiled["transforms"].push_back(TransformJson(transform));
  const std::string loader =
      "\"\"\"The DAGs of a Yellow project, for Airflow. Written by: yellow render airflow\"\"\"\n\n"
      "import pathlib\n\n"
      "from yellow_airflow import build\n\n"
      "build(pathlib.Path(__file__).with_suffix(\".json\"), globals())\n";
  return {{stem + ".json", compiled.dump(1) + "\n"}, {stem + ".py", loader}};
}

}  // namespace yellow::render
