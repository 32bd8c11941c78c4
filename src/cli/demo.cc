#include <fmt/format.h>

#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/demo_proof.h"
#include "cli/engine.h"
#include "cli/example_files.h"
#include "cli/example_source.h"
#include "cli/exit_status.h"
#include "cli/progress.h"
#include "cli/shop_example.h"
#include "cli/text_table.h"
#include "cli/views/author_json.h"
#include "cli/views/deploy_json.h"
#include "sql/names.h"

namespace yellow::cli {
namespace {

constexpr const char* kSourceRows =
    "SELECT id, firstname, lastname, email, dob::text FROM public.customers WHERE id = ANY ($1::text[]) ORDER BY id";
constexpr const char* kMaskedRows =
    "SELECT id, firstname, lastname, dob::text FROM ws_analysts.now__shopmasked__customers WHERE id = ANY ($1::text[]) "
    "ORDER BY id";
constexpr const char* kSourceValues =
    "SELECT v FROM public.customers, unnest(ARRAY[firstname, lastname, email, phone]) v WHERE v IS NOT NULL "
    "UNION SELECT street FROM public.addresses WHERE street IS NOT NULL";
constexpr const char* kMaskedValues =
    "SELECT v FROM ws_analysts.now__shopmasked__customers, unnest(ARRAY[id, firstname, lastname, dob::text]) v WHERE v "
    "IS NOT NULL "
    "UNION ALL SELECT v FROM ws_analysts.now__shopmasked__addresses, unnest(ARRAY[id, customer_id, city, country]) v "
    "WHERE v IS NOT NULL";
constexpr const char* kDaysOfBirth =
    "SELECT count(*) FROM ws_analysts.now__shopmasked__customers WHERE dob <> date_trunc('year', dob)";

std::vector<std::string> Cells(const std::string& label, const ports::Rows& rows, size_t row) {
  std::vector<std::string> cells{label};
  for (const auto& value : rows.rows[row]) cells.push_back(value.value_or("(null)"));
  return cells;
}

/// Source rows beside masked rows, by id.
void ShowSideBySide(std::ostream& out, ports::Session& shop, ports::Session& analysts, const std::string& ids) {
  const ports::Rows source = shop.Execute({kSourceRows, {ids}});
  const ports::Rows masked = analysts.Execute({kMaskedRows, {ids}});
  std::vector<std::vector<std::string>> table{{"", "id", "firstname", "lastname", "email", "dob"}};
  for (size_t i = 0; i < source.size(); ++i) table.push_back(Cells("shop", source, i));
  for (size_t i = 0; i < masked.size(); ++i) {
    std::vector<std::string> cells = Cells("masked", masked, i);
    cells.insert(cells.begin() + 4, "");
    table.push_back(std::move(cells));
  }
  out << TextTable(table) << "\n";
}

std::vector<std::string> FirstColumn(const ports::Rows& rows) {
  std::vector<std::string> values;
  for (size_t i = 0; i < rows.size(); ++i) values.push_back(rows.Text(i, 0));
  return values;
}

/// Changes the source, runs what follows, and says how long the change took from commit to masked row.
int64_t FollowAChange(const Program& program, std::ostream& out, Engines& engines, ports::Session& shop,
                      ports::Session& analysts) {
  if (!shop.Execute("SELECT FROM public.customers WHERE id = 'C90001'").empty()) {
    shop.ExecuteScript(
        "DELETE FROM public.customers WHERE id IN ('C90001', 'C90002');"
        "INSERT INTO public.customers VALUES ('C00003', 'Leopold', 'Moreau', NULL, NULL, '1970-01-02') ON CONFLICT DO "
        "NOTHING;");
    ProgressReporter quiet(program, out);
    const run::Effects effects = EffectsOf(program, *engines.servers, quiet);
    run::Request(*engines.engines[0].session, program.actor, {"Ingest/Main/Shop"});
    run::RunUntilQuiet(effects, program.actor, *engines.engines[0].applied, engines.engines[0].container);
  }
  out << "\nThe shop changes: two new customers, a new last name, another date of birth, one customer leaves.\n";
  shop.ExecuteScript(ExampleText(kShopExample, "changes.sql"));
  const ports::TimePoint committed = program.clock.Now();
  ProgressReporter reporter(program, out);
  const run::Effects effects = EffectsOf(program, *engines.servers, reporter);
  run::Request(*engines.engines[0].session, program.actor, {"Ingest/Main/Shop"});
  run::RunUntilQuiet(effects, program.actor, *engines.engines[0].applied, engines.engines[0].container);
  const bool visible =
      !analysts.Execute("SELECT FROM ws_analysts.now__shopmasked__customers WHERE id = 'C90001'").empty() &&
      analysts.Execute("SELECT FROM ws_analysts.now__shopmasked__customers WHERE id = 'C00003'").empty();
  if (!visible) throw base::Error("demo", "the masked store does not show the change").Remedy("yellow status says why");
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(program.clock.Now() - committed);
  out << fmt::format("From the commit at the shop to the visible masked rows: {} ms.\n\n", took.count());
  ShowSideBySide(out, shop, analysts, "{C00001,C00002,C00003,C90001,C90002}");
  return took.count();
}

/// Fills in what was looked at and, if there is something, what is not as it should be.
void Prove(const Program& program, std::ostream& out, ports::Session& shop, ports::Session& analysts,
           DemoOutcome& outcome) {
  const Proof proof =
      LookForLeaks(FirstColumn(shop.Execute(kSourceValues)), FirstColumn(analysts.Execute(kMaskedValues)));
  const int64_t days = analysts.Execute(kDaysOfBirth).Integer(0, 0);
  outcome.compared = proof.masked_values;
  if (!proof.leaks.empty() || days > 0) {
    for (const Leak& leak : proof.leaks) {
      program.err << fmt::format("A source value is in the masked store: '{}' in '{}'\n", leak.source_value,
                                 leak.masked_value);
    }
    if (days > 0) program.err << fmt::format("Dates of birth that say more than the year: {}\n", days);
    outcome.difference =
        fmt::format("{} source values are in the masked store, and {} whole dates of birth", proof.leaks.size(), days);
    return;
  }
  out << fmt::format(
      "Proof: no source value is left in the masked store. {} first names, last names, e-mails, phones and streets "
      "were looked for\n"
      "in {} masked values; every date of birth is the first of January of its year.\n",
      proof.source_values, proof.masked_values);
}

void SayWhatNext(std::ostream& out, const std::string& folder) {
  out << fmt::format(R"(
What next? The project is in {0}:
  cd {0}
  ../yellow status                             # what is there
  ../yellow explain MaskShop                   # why it ran, what it waits for
  ../yellow sql -w Analysts                    # psql with the analysts' rights
  edit model/mask/customers.sql, then
  ../yellow test                               # the code on small tables, in model/mask/tests
  ../yellow try MaskShop                       # on today's data; commits nothing
  ../yellow run --apply                        # the new mask, on all rows
  ../yellow import postgres --container ShopDB --stdout    # how a database of your own becomes a model
  ../yellow down                               # stop the private PostgreSQL; the data stays
)",
                     folder);
}

}  // namespace

int Demo(const Program& program, const Options& options, const DemoOptions& demo) {
  Options here = options;
  std::ostream& out = Narration(program, options);
  here.project = AbsolutePath(program, demo.folder);
  out << "Yellow masks a shop's customers and keeps the masked copy up to date. Project: " << demo.folder << "\n";
  WriteExample(program, kShopExample, here.project);
  const Project project = OpenProject(program, here);
  RequireNoErrors(program, project);
  auto servers = program.open_servers(project.loaded.model, project.data);
  servers->Prepare({"MergeDB"}, {"ShopDB"});
  const auto shop = MakeExampleSource(program, *servers, project,
                                      {"ShopDB", ExampleText(kShopExample, "source.sql"), "customers", "shop_reader"});
  const auto analysts =
      program.connector.Open(servers->Service("MergeDB", ports::ServiceRole::kSuperuser, "demo analysts"));
  out << "\n$ yellow run --apply\n";
  if (RunAll(program, here, {true, {"Shop"}, true}).findings())
    throw base::Error("demo", "the shop did not come through").Remedy("yellow status says why");
  analysts->Execute("SET ROLE " + sql::Identifier::Quote(sql::Roles("yellow").WorkspaceGroup("Analysts")).text());

  Engines engines = OpenApplied(program, project);
  out << "\nWhat the shop has, and what the analysts see:\n";
  ShowSideBySide(out, *shop, *analysts, "{C00001,C00002,C00003}");
  DemoOutcome outcome{here.project, "", FollowAChange(program, out, engines, *shop, *analysts), 0};
  Prove(program, out, *shop, *analysts, outcome);
  if (outcome.difference.empty()) SayWhatNext(out, demo.folder);
  if (options.json) program.out << Printed(DemoOutcomeRecord().Write(outcome));
  return outcome.difference.empty() ? kDone : kFindings;
}

}  // namespace yellow::cli
