#pragma once

#include <string>
#include <utility>
#include <vector>

namespace yellow::render {

/// When a DAG starts by itself.
struct AirflowSchedule {
  enum class Kind { kNever, kAny, kAll, kCron } kind = Kind::kNever;
  std::vector<std::string> assets;  ///< kAny, kAll: URIs
  std::string cron, timezone;       ///< kCron
};

/// What takes in one stream: a DAG, or a group of tasks in one that it shares.
struct AirflowIngest {
  std::string dag;                  ///< unique, or with a group that is unique in it
  std::string node;                 ///< as commands call the stream
  AirflowSchedule schedule;         ///< kNever or kCron
  std::vector<std::string> assets;  ///< URIs of what it brings
  int priority = 0;                 ///< greater is more urgent
  std::string team;
  bool output = false;  ///< a transformer writes it
  std::string group;    ///< empty: the DAG is its own. Who shares one has crons of one time zone
};

/// What runs one DataTransformer: a DAG, or a group of tasks in one that it shares.
struct AirflowTransform {
  std::string dag;
  std::string node;
  AirflowSchedule schedule;
  std::string output;     ///< the DAG of its output
  bool deferred = false;  ///< its code goes on alone, in a container
  int64_t timeout = 0;    ///< seconds from launch to end, images included
  int priority = 0;
  std::string team;
  std::string group;
};

/// Everything of a project that Airflow starts.
struct AirflowProject {
  std::string name;                  ///< small letters, digits and `_`
  std::vector<std::string> command;  ///< that is `yellow` with project and environment, for Airflow's workers
  std::string reconcile;             ///< cron, UTC
  std::vector<AirflowIngest> ingests;
  std::vector<AirflowTransform> transforms;
};

/// A name for the files and the service DAGs: `My Shop` is my_shop.
std::string AirflowName(const std::string& project);

/// What a part of a DAG's name may be: Etc/GMT+5 is Etc.GMT.5.
std::string AirflowWord(std::string text);

/// The two files, by name: what Airflow loads, and what that reads. The same project, the same text.
std::vector<std::pair<std::string, std::string>> AirflowFiles(const AirflowProject& project);

}  // namespace yellow::render
