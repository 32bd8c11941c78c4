#include <fmt/format.h>

#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/example_files.h"
#include "cli/example_source.h"
#include "cli/exit_status.h"
#include "cli/figures.h"
#include "cli/flight_tables.h"
#include "cli/flights_example.h"
#include "cli/progress.h"
#include "cli/text_table.h"
#include "cli/views/author_json.h"
#include "cli/views/deploy_json.h"
#include "sql/names.h"

namespace yellow::cli {
namespace {

constexpr const char* kContainer = "FlightsDB";
constexpr const char* kStream = "Ingest/Main/Flights";

constexpr const char* kLoaded =
    "SELECT format('%s flights, %s airlines, %s airports, %s planes, %s hours of weather', "
    "to_char((SELECT count(*) FROM public.flights), 'FM999,999,999'), (SELECT count(*) FROM public.airlines), "
    "to_char((SELECT count(*) FROM public.airports), 'FM999,999,999'), "
    "to_char((SELECT count(*) FROM public.planes), 'FM999,999,999'), "
    "to_char((SELECT count(*) FROM public.weather), 'FM999,999,999'))";
constexpr const char* kSummary =
    "SELECT format('%s flights became %s rows of delays, one for each day, carrier and airport; %s flights were "
    "cancelled.', to_char(sum(flights), 'FM999,999,999'), to_char(count(*), 'FM999,999,999'), "
    "to_char(sum(cancelled), 'FM999,999,999')), "
    "(SELECT format('The worst day was %s: %s flights cancelled, and the others were %s minutes late on average.', "
    "day, "
    "sum(cancelled), round(sum(arrival_delay_minutes) / sum(arrived), 0)) FROM ws_analysts.now__delays__daily "
    "GROUP BY day HAVING sum(arrived) > 0 ORDER BY sum(arrival_delay_minutes) / sum(arrived) DESC, day LIMIT 1) "
    "FROM ws_analysts.now__delays__daily";
constexpr const char* kRanking =
    "SELECT rank, airline, flights, cancelled, mean_arrival_delay FROM ws_analysts.now__ranking__monthly "
    "WHERE month = '2013-07-01' AND origin = 'JFK' ORDER BY rank, airline";
constexpr const char* kChanging =
    "SELECT airline, origin, flights, mean_arrival_delay, rank FROM ws_analysts.now__ranking__monthly "
    "WHERE month = '2013-12-01' AND (carrier, origin) IN (('B6', 'JFK'), ('AA', 'LGA')) ORDER BY airline";

/// What an output is compared with: the same question, asked of the source.
struct Question {
  const char* dataset;
  const char* view;
  const char* proof;
};
constexpr Question kQuestions[] = {{"Delays.daily", "ws_analysts.now__delays__daily", "proof/daily.sql"},
                                   {"Ranking.monthly", "ws_analysts.now__ranking__monthly", "proof/monthly.sql"}};

/// Rows below a heading; every column but the names is a number.
void ShowTable(std::ostream& out, const ports::Rows& rows, const std::vector<std::string>& heading,
               const std::vector<size_t>& numbers) {
  std::vector<std::vector<std::string>> table{heading};
  for (const auto& row : rows.rows) {
    std::vector<std::string> cells;
    for (const auto& value : row) cells.push_back(value.value_or("-"));
    table.push_back(std::move(cells));
  }
  out << TextTable(table, numbers) << "\n";
}

/// Asks the source each question and compares the answer with what the consumers see, value by value.
bool ProveFlights(const Program& program, std::ostream& out, ports::Session& source, ports::Session& analysts,
                  DemoOutcome& outcome) {
  size_t compared = 0;
  for (const Question& question : kQuestions) {
    const ports::Rows should_be = source.Execute(ExampleText(kFlightsExample, question.proof));
    std::string columns;
    for (const std::string& column : should_be.columns) {
      columns += (columns.empty() ? "" : ", ") + sql::Identifier::Quote(column).text();
    }
    const ports::Rows is = analysts.Execute(fmt::format("SELECT {} FROM {} ORDER BY 1, 2, 3", columns, question.view));
    const Figures figures = CompareFigures(is, should_be);
    if (!figures.difference.empty()) {
      outcome.difference = std::string(question.dataset) + " is not what the source says: " + figures.difference;
      program.err << outcome.difference << "\n";
      return false;
    }
    compared += figures.compared;
  }
  outcome.compared += compared;
  out << fmt::format("Proof: {} values of Delays.daily and Ranking.monthly are what the source itself answers.\n",
                     compared);
  return true;
}

/// Changes the source, runs what follows, and says how long it took from commit to visible ranking.
int64_t FollowLateFlights(const Program& program, std::ostream& out, Engines& engines, ports::Session& source,
                          ports::Session& analysts) {
  const std::vector<std::string> heading{"DECEMBER", "FROM", "FLIGHTS", "MEAN DELAY", "RANK"};
  out << "\nThe source changes: JetBlue's flights from JFK on 31 December arrive 30 minutes later than was said; "
         "American's\nfrom LaGuardia that day are taken out.\n\n";
  ShowTable(out, analysts.Execute(kChanging), heading, {2, 3, 4});
  source.ExecuteScript(ExampleText(kFlightsExample, "changes.sql"));
  const ports::TimePoint committed = program.clock.Now();
  ProgressReporter reporter(program, out);
  const run::Effects effects = EffectsOf(program, *engines.servers, reporter);
  run::Request(*engines.engines[0].session, program.actor, {kStream});
  const run::LoopReport report =
      run::RunUntilQuiet(effects, program.actor, *engines.engines[0].applied, engines.engines[0].container);
  if (report.held + report.failed > 0)
    throw base::Error("demo", "the change did not come through").Remedy("yellow status says why");
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(program.clock.Now() - committed);
  out << fmt::format("From the commit at the source to the visible ranking: {} ms.\n\n", took.count());
  ShowTable(out, analysts.Execute(kChanging), heading, {2, 3, 4});
  return took.count();
}

void SayWhatNext(std::ostream& out, const std::string& folder, const ports::ConnectionTarget& source) {
  out << fmt::format(R"(
What next? The project is in {0}:
  cd {0}
  ../yellow status                             # what is there
  ../yellow explain RankCarriers               # why it ran, what it waits for
  ../yellow graph                              # flights, delays, ranking: what depends on what
  ../yellow sql -w Analysts                    # psql with the analysts' rights: \dv, then SELECT * FROM now__ranking__monthly
  edit model/ranking/monthly.sql, then
  ../yellow test                               # the code on small tables, in model/ranking/tests
  ../yellow try RankCarriers                   # on today's data; commits nothing
  ../yellow run --apply                        # the new ranking, on all rows
  psql -h {1} -p {2} -U {3} {4}    # the source, as its owner; change it, then:
  ../yellow run Flights                        # what follows from the change, and nothing else
  ../yellow down                               # stop the private PostgreSQL; the data stays
)",
                     folder, source.host, source.port, source.user, source.database);
}

/// The source's tables, loaded unless they are there; the session is the superuser's. None: the tables could not be
/// had.
std::unique_ptr<ports::Session> MakeSource(const Program& program, std::ostream& out, ports::Servers& servers,
                                           const std::string& archive) {
  const ports::ConnectionTarget target = servers.Service(kContainer, ports::ServiceRole::kSuperuser, "demo flights");
  auto source = program.connector.Open(target);
  if (source->Execute("SELECT to_regclass('public.flights') IS NULL").Boolean(0, 0)) {
    const auto folder = FetchFlightTables(program, archive);
    if (!folder) return nullptr;
    LoadFlightTables(program, target, *folder);
  }
  out << "The source database has " << source->Execute(kLoaded).Text(0, 0) << ".\n";
  return source;
}

/// Who fetches the tables has said on stderr why there are none.
int WithoutTables(const Options& options) {
  if (options.json) throw base::Error("demo", "the tables could not be had; what stands above on stderr is why");
  return kFailed;
}

}  // namespace

int DemoFlights(const Program& program, const Options& options, const FlightsDemoOptions& demo) {
  Options here = options;
  std::ostream& out = Narration(program, options);
  here.project = AbsolutePath(program, demo.folder);
  out << "Yellow turns a year of flights into delays per day and a ranking of the airlines. Project: " << demo.folder
      << "\n";
  // Before anything is made, so that nothing half made is left when they cannot be had.
  if (!program.files.Exists(here.project + "/model") && !FetchFlightTables(program, demo.archive))
    return WithoutTables(options);
  WriteExample(program, kFlightsExample, here.project);
  const Project project = OpenProject(program, here);
  RequireNoErrors(program, project);
  auto servers = program.open_servers(project.loaded.model, project.data);
  servers->Prepare({"MergeDB"}, {kContainer});
  const auto source = MakeSource(program, out, *servers, demo.archive);
  if (!source) return WithoutTables(options);
  MakeReader(program, *servers, project.data, kContainer, "flights_reader");
  out << "\n$ yellow run --apply\n";
  if (RunAll(program, here, {true, {"Flights"}, true}).findings())
    throw base::Error("demo", "the flights did not come through").Remedy("yellow status says why");

  const auto analysts =
      program.connector.Open(servers->Service("MergeDB", ports::ServiceRole::kSuperuser, "demo analysts"));
  analysts->Execute("SET ROLE " + sql::Identifier::Quote(sql::Roles("yellow").WorkspaceGroup("Analysts")).text());
  const ports::Rows summary = analysts->Execute(kSummary);
  out << "\n" << summary.Text(0, 0) << "\n" << summary.Text(0, 1) << "\nThe ranking of July at JFK:\n\n";
  ShowTable(out, analysts->Execute(kRanking), {"RANK", "AIRLINE", "FLIGHTS", "CANCELLED", "MEAN DELAY"}, {0, 2, 3, 4});
  DemoOutcome outcome{here.project, "", 0, 0};
  if (ProveFlights(program, out, *source, *analysts, outcome)) {
    Engines engines = OpenApplied(program, project);
    outcome.milliseconds = FollowLateFlights(program, out, engines, *source, *analysts);
    if (ProveFlights(program, out, *source, *analysts, outcome))
      SayWhatNext(out, demo.folder, servers->Service(kContainer, ports::ServiceRole::kSuperuser, "demo flights"));
  }
  if (options.json) program.out << Printed(DemoOutcomeRecord().Write(outcome));
  return outcome.difference.empty() ? kDone : kFindings;
}

}  // namespace yellow::cli
