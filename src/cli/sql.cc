#include <ostream>

#include "base/error.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/views/author_json.h"
#include "run/audit.h"
#include "sql/names.h"

namespace yellow::cli {
namespace {

const plan::PlacedWorkspace& WorkspaceOf(const std::vector<Engine>& engines, const std::string& name) {
  std::vector<std::string> names;
  const plan::PlacedWorkspace* only = nullptr;
  for (const Engine& engine : engines) {
    for (const plan::PlacedWorkspace& workspace : engine.applied->physical.workspaces) {
      if (workspace.workspace == name) return workspace;
      names.push_back(workspace.workspace);
      only = &workspace;
    }
  }
  if (name.empty() && names.size() == 1) return *only;
  std::string list;
  for (const std::string& candidate : names) list += (list.empty() ? "" : ", ") + candidate;
  if (name.empty()) throw base::UsageError("which workspace? There are: " + list).Remedy("yellow sql -w WORKSPACE");
  throw base::UsageError("no such workspace in the applied model: " + name).Remedy(base::DidYouMean(name, names));
}

/// Logins of `yellow sql` end with their psql; one that a crash left behind goes with the next call.
void DropLeftBehind(ports::Session& session, const sql::Roles& roles) {
  const ports::Rows left =
      session.Execute({"SELECT rolname FROM pg_roles r WHERE starts_with(rolname, $1) AND NOT EXISTS "
                       "(SELECT FROM pg_stat_activity a WHERE a.usename = r.rolname) AND coalesce(rolvaliduntil, "
                       "'infinity') < clock_timestamp()",
                       {roles.TemporaryBase() + "_sql_"}});
  for (size_t i = 0; i < left.size(); ++i) {
    session.Execute("DROP ROLE IF EXISTS " + sql::Identifier::Quote(left.Text(i, 0)).text());
  }
}

/// A login with the rights of one workspace's readers, for as long as this object lives.
class ReaderLogin {
 public:
  ReaderLogin(const Program& program, ports::Session& session, const sql::Roles& roles,
              const plan::PlacedWorkspace& workspace)
      : session_(session),
        name_(roles.TemporaryBase() + "_sql_" + program.entropy.Hex(12)),
        password_(program.entropy.Password()) {
    const std::string login = sql::Identifier::Quote(name_).text();
    ports::Transaction transaction(session_, "", "login");
    session_.Execute("CREATE ROLE " + login + " LOGIN INHERIT IN ROLE " +
                     sql::Identifier::Quote(roles.TemporaryBase()).text() + " PASSWORD " +
                     sql::Literal(program.connector.ScramVerifier(password_)) + " VALID UNTIL " +
                     sql::Literal(session_.Execute("SELECT clock_timestamp() + interval '1 minute'").Text(0, 0)));
    session_.Execute("ALTER ROLE " + login + " SET search_path TO " + sql::Identifier::Quote(workspace.schema).text());
    session_.Execute("GRANT " + sql::Identifier::Quote(roles.WorkspaceGroup(workspace.workspace)).text() + " TO " +
                     login);
    run::RecordAudit(session_, program.actor, "sql.opened", workspace.workspace, {{"login", name_}});
    transaction.Commit();
  }
  ~ReaderLogin() {
    try {
      session_.Execute("DROP ROLE IF EXISTS " + sql::Identifier::Quote(name_).text());
    } catch (const base::Error&) {  // the server is gone; the next call drops it
    }
  }
  ReaderLogin(const ReaderLogin&) = delete;
  ReaderLogin& operator=(const ReaderLogin&) = delete;
  const std::string& name() const { return name_; }
  const base::Secret& password() const { return password_; }

 private:
  ports::Session& session_;
  std::string name_;
  base::Secret password_;
};

/// Variables with secrets that Yellow alone was given. psql has all else that its person has; what it starts could send
/// these.
std::vector<std::string> SecretVariables(const model::Model& model) {
  std::vector<std::string> names{"VAULT_TOKEN", "VAULT_TOKEN_FILE"};
  if (!model.environment) return names;
  for (const model::CredentialPlace& place : model.environment->credentials) {
    if (const auto* secret = std::get_if<model::EnvironmentSecret>(&place.source))
      for (const char* part : {"_USER", "_PASSWORD", "_TOKEN"}) names.push_back(secret->prefix + part);
  }
  for (const model::NoticeReceiver& receiver : model.environment->receivers) {
    const auto* webhook = std::get_if<model::WebhookUrl>(&receiver.channel);
    const auto* url = webhook == nullptr ? nullptr : std::get_if<model::UrlInVariable>(webhook);
    if (url != nullptr) names.push_back(url->variable);
  }
  return names;
}

}  // namespace

int Sql(const Program& program, const Options& options, const SqlOptions& sql) {
  if (options.json && sql.command.empty())
    throw base::UsageError("--output json needs a statement")
        .Remedy("yellow sql -w WORKSPACE -c 'SELECT …' --output json");
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const plan::PlacedWorkspace& workspace = WorkspaceOf(engines.engines, sql.workspace);
  const ports::ConnectionInfo info = engines.servers->Describe(workspace.container);
  if (!info.embedded) {
    throw base::Error("access", "sql needs an approved request on a named server: " + info.host)
        .Remedy("readers that the model names connect with their own login");
  }
  const auto superuser = program.connector.Open(
      engines.servers->Service(workspace.container, ports::ServiceRole::kSuperuser, "sql " + workspace.workspace));
  const sql::Roles roles(project.loaded.model.environment ? project.loaded.model.environment->role_prefix : "yellow");
  DropLeftBehind(*superuser, roles);
  const ReaderLogin login(program, *superuser, roles, workspace);
  const ports::ConnectionTarget target =
      engines.servers->As(workspace.container, login.name(), login.password(), "sql " + workspace.workspace);
  if (options.json) {
    program.out << Printed(RowsJson(program.connector.Open(target)->Execute(sql.command)));
    return kDone;
  }
  const std::map<std::string, std::string> variables{
      {"PGHOST", target.host}, {"PGPORT", std::to_string(target.port)},  {"PGDATABASE", target.database},
      {"PGUSER", target.user}, {"PGPASSWORD", target.password.Reveal()}, {"PGAPPNAME", target.application_name}};
  std::vector<std::string> command{"env"};
  for (const std::string& name : SecretVariables(project.loaded.model)) {
    if (variables.find(name) == variables.end()) command.insert(command.end(), {"-u", name});
  }
  command.insert(command.end(), {"psql", "-X"});
  if (!sql.command.empty()) command.insert(command.end(), {"-v", "ON_ERROR_STOP=1", "-c", sql.command});
  return program.foreground(command, variables) == 0 ? kDone : kFailed;
}

}  // namespace yellow::cli
