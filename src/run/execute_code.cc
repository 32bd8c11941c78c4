#include "run/execute_code.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json_text.h"
#include "plan/test_cases.h"
#include "run/code_log.h"
#include "run/execute_container.h"
#include "run/next_run.h"
#include "run/trust.h"
#include "sql/names.h"
#include "sql/transformer_select.h"

namespace yellow::run {
namespace {

constexpr size_t kLogTail = 1 << 20;
constexpr std::chrono::milliseconds kFirstPoll{2}, kLongestPoll{100}, kAskEvery{1000};

CodeResult Failed(const std::string& code, const std::string& reason) {
  return {CodeOutcome::kFailed, 1, code, reason, reason};
}

/// One INSERT … SELECT for an output dataset, or what is wrong with it.
struct OutputStatement {
  std::string dataset, file;
  sql::Statement statement;
};

/// Throws base::Error code "sql" that names file, line and column.
std::vector<OutputStatement> SqlStatements(const CodeContext& context, const model::SqlCode& code, model::Mode mode) {
  const std::vector<sql::SelectInput> inputs = plan::SelectInputs(context.transformer);
  std::vector<OutputStatement> statements;
  for (const sql::TableLayout& output : context.transformer.outputs) {
    const std::string file = code.folder + "/" + output.dataset.dataset + ".sql";
    const auto text = context.applied.files.find(file);
    if (text == context.applied.files.end()) {
      throw base::Error("sql", "there is no SELECT for output dataset " + output.dataset.dataset + ": " + file)
          .Remedy("write the file");
    }
    const auto rewritten = sql::RewriteSelect(text->second, inputs, mode);
    if (const auto* problems = std::get_if<std::vector<sql::SelectProblem>>(&rewritten)) {
      std::string all;
      for (const sql::SelectProblem& p : *problems) {
        all += fmt::format("{}{}:{}:{}: {}{}", all.empty() ? "" : "\n", file, p.line, p.column, p.message,
                           p.remedy.empty() ? "" : "\n  = " + p.remedy);
      }
      throw base::Error("sql", all);
    }
    statements.push_back({output.dataset.dataset, file, sql::InsertInto(output, std::get<std::string>(rewritten))});
  }
  return statements;
}

/// The input that a mask's output dataset is made from: the one of the same name.
const plan::TransformerInput* MaskedInput(const plan::Transformer& transformer, const std::string& dataset) {
  for (const plan::TransformerInput& input : transformer.inputs) {
    if (!input.own_output && input.address.dataset == dataset) return &input;
  }
  return nullptr;
}

std::vector<OutputStatement> MaskStatements(const Effects& effects, const CodeContext& context,
                                            const model::MaskCode& code) {
  std::vector<OutputStatement> statements;
  for (const sql::TableLayout& output : context.transformer.outputs) {
    const std::string& dataset = output.dataset.dataset;
    const plan::TransformerInput* input = MaskedInput(context.transformer, dataset);
    if (input == nullptr)
      throw base::Error("mask", "no input has the name of output dataset " + dataset)
          .Remedy("name the output as the input it masks");
    static const std::map<std::string, model::MaskRule> kNone;
    const auto rules = code.rules.find(dataset);
    const auto& of_dataset = rules == code.rules.end() ? kNone : rules->second;
    sql::Statement statement = sql::InsertInto(
        output,
        sql::MaskSelect(output, of_dataset,
                        {input->address, context.transformer.workspace_schema, input->view, input->changes_view}));
    bool pseudonyms = false;
    for (const auto& [column, rule] : of_dataset)
      pseudonyms |=
          rule.kind == model::MaskRuleKind::kPseudonym && statement.text.find("$1::bytea") != std::string::npos;
    if (pseudonyms) {
      if (!code.mask_key || !context.applied.model.environment)
        throw base::Error("mask", "pseudonym needs a key").Remedy("add mask_key: <credential>");
      for (const model::CredentialPlace& place : context.applied.model.environment->credentials) {
        if (place.credential != code.mask_key->text) continue;
        const ports::CredentialValue value = effects.secrets.Read(place.credential, place.source);
        for (const std::string& pad :
             sql::MaskKeyPads(value.password.empty() ? value.token.Reveal() : value.password.Reveal())) {
          statement.parameters.emplace_back(pad);
        }
      }
      if (statement.parameters.empty())
        throw base::Error("secret", "the environment does not say where credential " + code.mask_key->text + " is");
    }
    statements.push_back({dataset, "the mask of " + dataset, std::move(statement)});
  }
  return statements;
}

/// All outputs in one transaction that sees exactly the claims.
CodeResult ExecuteStatements(const Effects& effects, const CodeContext& context,
                             const std::vector<OutputStatement>& statements, int64_t timeout_seconds) {
  const auto session = effects.connector.Open(context.target);
  ports::Transaction transaction(*session, "ISOLATION LEVEL REPEATABLE READ");
  session->Execute("SET TRANSACTION SNAPSHOT " + sql::Literal(context.snapshot));
  session->Execute("SET LOCAL statement_timeout = '" + std::to_string(timeout_seconds) + "s'");
  CodeResult result;
  for (const OutputStatement& output : statements) {
    try {
      const ports::Rows rows = session->Execute(output.statement);
      result.log += fmt::format("{}: {} rows\n", output.dataset, rows.affected);
    } catch (const base::Error& error) {
      if (error.sqlstate == "57014")
        return {CodeOutcome::kTimedOut, 1, "timeout",
                fmt::format("{} took longer than {} s", output.file, timeout_seconds), result.log};
      if (error.sqlstate.empty() || error.retryable) throw;
      return Failed("sql", output.file + ": " + base::Describe(error));
    }
  }
  transaction.Commit();
  return result;
}

std::string LogFolder(const Applied& applied, const std::string& run_id) {
  return applied.data_folder + "/runs/" + run_id;
}

std::string SourceFolder(const ports::Workplace& workplace) { return workplace.folder() + "/source"; }
std::string TemporaryFolder(const ports::Workplace& workplace) { return workplace.folder() + "/tmp"; }

void WriteSource(const Effects& effects, const Applied& applied, const model::ProcessCode& code,
                 const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& [path, content] : applied.files) {
    if (path.starts_with(code.folder + "/") && !plan::IsFixture(code.folder, path))
      files[path.substr(code.folder.size() + 1)] = content;
  }
  effects.files.WritePrivateTree(folder, files);
}

/// The virtual environment beside the code, used where it is: its programs come first, and a command may name it.
void UseVirtualEnvironment(const Effects& effects, const CodeContext& context, const model::ProcessCode& code,
                           ports::Workplace& workplace, ports::ProcessSpec& spec) {
  const std::string place = context.applied.project_folder + "/" + code.folder + "/.venv";
  if (!effects.files.Exists(place + "/bin")) return;
  const std::string python = place + "/bin/python";
  if (!workplace.MayUse(effects.files.Exists(python) ? python : place + "/bin"))
    throw base::Error("venv", "the user that the code runs as cannot use " + python)
        .Remedy(
            "let every user read it and the python that it was made with: a folder such as /root is closed to them");
  effects.files.Link(spec.folder + "/.venv", place);
  spec.environment["VIRTUAL_ENV"] = place;
  spec.environment["PATH"] = place + "/bin:" + spec.environment["PATH"];
}

/// A copy of the root certificate, since its place may be closed to the code's user; `system` is no file.
void CopyRootCertificate(const Effects& effects, const std::string& folder, ports::ProcessSpec& spec) {
  const auto named = spec.environment.find("PGSSLROOTCERT");
  if (named == spec.environment.end() || !named->second.starts_with('/')) return;
  const auto certificate = effects.files.Read(named->second);
  if (!certificate) return;
  effects.files.WritePrivateTree(folder, {{"ca.crt", *certificate}});
  named->second = folder + "/ca.crt";
}

CodeResult ExecuteProcess(const Effects& effects, const CodeContext& context, const model::ProcessCode& code,
                          int64_t timeout_seconds) {
  const auto workplace =
      context.workplace ? context.workplace() : MakeWorkplace(effects, context.applied, code, context.run_id);
  const std::string log = LogFolder(context.applied, context.run_id) + "/output.log";
  std::vector<std::string> command = code.command;
  const std::vector<std::string>& arguments =
      context.applied.model.FindWorkspace(context.transformer.workspace)->transformer->code.arguments;
  command.insert(command.end(), arguments.begin(), arguments.end());
  ports::ProcessSpec spec{command, SourceFolder(*workplace), EnvironmentOf(effects, context), log};
  spec.environment["TMPDIR"] = TemporaryFolder(*workplace);
  UseVirtualEnvironment(effects, context, code, *workplace, spec);
  CopyRootCertificate(effects, workplace->folder(), spec);
  const auto process = workplace->Start(spec);
  const ports::TimePoint deadline = effects.clock.Now() + std::chrono::seconds(timeout_seconds);
  std::optional<ports::ProcessExit> exit;
  bool timed_out = false;
  ports::TimePoint asked = effects.clock.Now();
  for (auto pause = kFirstPoll; !(exit = process->Poll()); pause = std::min(pause * 2, kLongestPoll)) {
    const ports::TimePoint now = effects.clock.Now();
    if (!timed_out && now > deadline) {
      timed_out = true;
      process->Terminate();
    }
    if (now - asked > kAskEvery) {
      if (!context.wanted()) process->Terminate();
      asked = now;
    }
    effects.clock.Sleep(pause);
  }
  CodeResult result;
  result.exit_status = exit->status;
  result.log = TakeLog(effects.files, effects.reporter, SecretsIn(spec.environment), {log}, kLogTail);
  if (timed_out) {
    result.outcome = CodeOutcome::kTimedOut, result.reason_code = "timeout";
    result.reason = fmt::format("the code ran longer than {} s and was ended", timeout_seconds);
  } else if (exit->status == kSnapshotStatus) {
    result.outcome = CodeOutcome::kSnapshotGone, result.reason_code = kSnapshotReason;
    result.reason = "the code could not import its snapshot (exit status 75)";
  } else if (exit->status != 0) {
    result.outcome = CodeOutcome::kFailed, result.reason_code = "exit_status";
    result.reason = exit->signal != 0 ? fmt::format("the code was ended by signal {}", exit->signal)
                                      : fmt::format("the code ended with exit status {}", exit->status);
  }
  return result;
}

std::string ColumnsJson(const sql::TableLayout& table) {
  std::string key, columns;
  for (const std::string& name : table.key) key += (key.empty() ? "" : ", ") + base::JsonString(name);
  for (const model::Column& column : table.columns) {
    columns += (columns.empty() ? "" : ", ") + std::string("{\"name\": ") + base::JsonString(column.name) +
               ", \"type\": " + base::JsonString(model::ToSql(column.type)) + "}";
  }
  return "\"key\": [" + key + "], \"columns\": [" + columns + "]";
}

}  // namespace

std::map<std::string, std::string> EnvironmentOf(const Effects& effects, const CodeContext& context) {
  const plan::Transformer& transformer = context.transformer;
  const ports::ConnectionTarget& target = context.target;
  std::map<std::string, std::string> environment{{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                                                 {"HOME", "/nonexistent"},
                                                 {"LANG", "C.UTF-8"},
                                                 {"TZ", "UTC"},
                                                 {"PGHOST", target.host},
                                                 {"PGPORT", std::to_string(target.port)},
                                                 {"PGDATABASE", target.database},
                                                 {"PGUSER", target.user},
                                                 {"PGPASSWORD", target.password.Reveal()},
                                                 {"PGSSLMODE", target.sslmode},
                                                 {"PGAPPNAME", "yellow run " + context.run_id},
                                                 {"YELLOW_RUN_ID", context.run_id},
                                                 {"YELLOW_PLATFORM", transformer.platform},
                                                 {"YELLOW_WORKSPACE", transformer.workspace},
                                                 {"YELLOW_MODE", context.mode}};
  if (!context.snapshot.empty()) environment["YELLOW_SNAPSHOT"] = context.snapshot;
  const model::DataTransformer& declared = *context.applied.model.FindWorkspace(transformer.workspace)->transformer;
  for (const auto& [name, value] : declared.code.environment) environment[name] = value;
  if (!target.sslrootcert.empty()) environment["PGSSLROOTCERT"] = target.sslrootcert;
  std::string host;  // a socket's folder stands in the query, percent-encoded
  for (const char c : target.host) host += c == '/' ? std::string("%2F") : std::string(1, c);
  environment["YELLOW_DATABASE_URL"] =
      fmt::format("postgresql://{}:{}@{}:{}/{}?sslmode={}", target.user, target.password.Reveal(), host, target.port,
                  target.database, target.sslmode);
  std::string inputs, outputs;
  for (const plan::TransformerInput& input : transformer.inputs) {
    const std::string view = sql::Qualified(transformer.workspace_schema, input.view);
    environment[sql::EnvironmentVariable("YELLOW_INPUT",
                                         {input.address.group, input.address.store, input.address.dataset})] = view;
    const auto claim = context.claims.find(ToString(input.table.dataset));
    const std::pair<int, int> range = claim == context.claims.end() ? std::pair(0, 0) : claim->second;
    const auto further = [&](const char* name, const std::string& further_view) {
      return further_view.empty()
                 ? ""
                 : fmt::format("\"{}\": {}, ", name,
                               base::JsonString(sql::Qualified(transformer.workspace_schema, further_view)));
    };
    inputs += fmt::format("{}{}: {{\"table\": {}, {}{}{}, \"from_batch\": {}, \"to_batch\": {}}}",
                          inputs.empty() ? "" : ", ", base::JsonString(ToString(input.address)), base::JsonString(view),
                          further("history", input.history_view), further("changes", input.changes_view),
                          ColumnsJson(input.table), range.first, range.second);
  }
  for (const sql::TableLayout& output : transformer.outputs) {
    const std::string table = sql::Qualified(output.schema, output.output_table);
    environment[sql::EnvironmentVariable("YELLOW_OUTPUT", {output.dataset.dataset})] = table;
    outputs += fmt::format("{}{}: {{\"table\": {}, {}}}", outputs.empty() ? "" : ", ",
                           base::JsonString(output.dataset.dataset), base::JsonString(table), ColumnsJson(output));
  }
  environment["YELLOW_INPUTS"] = "{" + inputs + "}";
  environment["YELLOW_OUTPUTS"] = "{" + outputs + "}";
  for (const model::Name& name : declared.credentials) {
    if (!context.applied.model.environment) break;
    for (const model::CredentialPlace& place : context.applied.model.environment->credentials) {
      if (place.credential != name.text) continue;
      const ports::CredentialValue value = effects.secrets.Read(name.text, place.source);
      const std::string variable = sql::EnvironmentVariable("YELLOW_CREDENTIAL", {name.text});
      if (!value.user.empty()) environment[variable + "__USER"] = value.user;
      if (!value.password.empty()) environment[variable + "__PASSWORD"] = value.password.Reveal();
      if (!value.token.empty()) environment[variable + "__TOKEN"] = value.token.Reveal();
    }
  }
  environment["TRACEPARENT"] = "00-" + effects.entropy.Hex(32) + "-" + effects.entropy.Hex(16) + "-01";
  return environment;
}

std::unique_ptr<ports::Workplace> MakeWorkplace(const Effects& effects, const Applied& applied,
                                                const model::ProcessCode& code, const std::string& run_id) {
  effects.files.MakeFolder(LogFolder(applied, run_id), 0700);
  auto made = effects.next_run != nullptr ? effects.next_run->workplace.Take() : std::nullopt;
  auto workplace = made ? std::move(*made) : effects.processes.MakeWorkplace(applied.data_folder, run_id);
  effects.files.MakeFolder(SourceFolder(*workplace), 0700);
  effects.files.MakeFolder(TemporaryFolder(*workplace), 0700);
  WriteSource(effects, applied, code, SourceFolder(*workplace));
  return workplace;
}

CodeResult ExecuteCode(const Effects& effects, const CodeContext& context) {
  const model::DataTransformer& declared =
      *context.applied.model.FindWorkspace(context.transformer.workspace)->transformer;
  try {
    if (declared.code.sql)
      return ExecuteStatements(effects, context, SqlStatements(context, *declared.code.sql, declared.mode),
                               declared.timeout.seconds);
    if (declared.code.mask)
      return ExecuteStatements(effects, context, MaskStatements(effects, context, *declared.code.mask),
                               declared.timeout.seconds);
    if (StartsContainer(context.applied.model, declared)) return ExecuteContainer(effects, context);
    if (StartsProcess(context.applied.model, declared))
      return ExecuteProcess(effects, context, *declared.code.process, declared.timeout.seconds);
  } catch (const base::Error& error) {
    if (error.retryable) throw;  // not the code's fault
    return Failed(error.code, base::Describe(error));
  }
  return Failed("no_code", "the launcher of this environment cannot run this code; yellow lint says what it needs");
}

}  // namespace yellow::run
