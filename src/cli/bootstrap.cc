#include "sql/bootstrap.h"

#include <fmt/format.h>

#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/views/deploy_json.h"
#include "sql/names.h"

namespace yellow::cli {
namespace {

/// One of Yellow's logins gets a password that only its file knows; the server sees the verifier alone.
void GivePassword(const Program& program, const Project& project, ports::Session& session, const std::string& login) {
  const std::string path = project.data + "/secrets/" + login;
  base::Secret password(program.files.Read(path).value_or(""));
  if (password.empty()) {
    password = program.entropy.Password();
    program.files.WriteAtomically(path, password.Reveal(), true);
  }
  session.Execute("ALTER ROLE " + sql::Identifier::Quote(login).text() + " PASSWORD " +
                  sql::Literal(program.connector.ScramVerifier(password)));
}

/// Returns whether it was done by a superuser.
bool BootstrapOne(const Program& program, const Project& project, const ports::ConnectionInfo& info,
                  const std::string& prefix, std::ostream& out) {
  ports::ConnectionTarget target;
  target.host = info.host;
  target.port = info.port;
  target.database = info.database;
  target.sslmode = info.sslmode;
  target.application_name = "yellow bootstrap";
  target.user = program.variable("PGUSER");
  target.password = base::Secret(program.variable("PGPASSWORD"));
  if (target.user.empty()) {
    throw base::UsageError("bootstrap needs an administrator of " + info.host + ": who owns the database " +
                           info.database + " and may create roles")
        .Remedy(
            "set PGUSER and PGPASSWORD, or hand the output of 'yellow bootstrap --print' to the database "
            "administrator");
  }
  const auto session = program.connector.Open(target);
  session->Execute({"SELECT set_config('yellow.person', $1, false)", {program.actor.person}});
  session->ExecuteScript(sql::BootstrapSql(prefix, info.database, info.database));
  const bool superuser = session->Execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Boolean(0, 0);
  if (superuser) session->ExecuteScript(sql::SuperuserSql(prefix));
  const sql::Roles roles(prefix);
  for (const std::string& login : {roles.Migrator(), roles.Engine(), roles.IngestOut(), roles.Access()}) {
    GivePassword(program, project, *session, login);
  }
  out << fmt::format("Made the roles and schemas of Yellow in database {} at {}:{}; passwords are in {}/secrets\n",
                     info.database, info.host, info.port, project.data);
  if (!superuser) {
    out << target.user
        << " is no superuser, so the code of a transformer may take advisory locks and fill large objects, and "
           "doctor does not see who is idle in a transaction; 'yellow bootstrap --print' ends with what a "
           "superuser can do about it\n";
  }
  return superuser;
}

/// What a database administrator does by hand.
std::string SqlFor(const ports::ConnectionInfo& info, const std::string& prefix) {
  return fmt::format("-- Container {}, database {}\n", info.container, info.database) +
         std::string(sql::BootstrapSql(prefix, info.database, info.database)) + "\n-- Then give the logins " + prefix +
         "_migrator, " + prefix + "_engine, " + prefix + "_ingest_out, " + prefix +
         "_access a password each, and put each alone into the file <data>/secrets/<login>, mode 0600.\n\n" +
         std::string(sql::SuperuserSql(prefix));
}

}  // namespace

int Bootstrap(const Program& program, const Options& options, const BootstrapOptions& bootstrap) {
  const Project project = OpenProject(program, options);
  RequireNoErrors(program, project);
  const std::string& prefix = project.loaded.model.environment->role_prefix;
  const auto servers = program.open_servers(project.loaded.model, project.data);
  const graph::Built built = graph::Build(project.loaded.model);
  const plan::Physical physical = plan::Lay(project.loaded.model, built, project.files);
  std::ostream& out = Narration(program, options);
  std::vector<BootstrappedContainer> done;
  for (const std::string& container : MergeContainers(project.loaded.model, physical)) {
    const ports::ConnectionInfo info = servers->Describe(container);
    done.push_back({info, "made", true, ""});
    if (bootstrap.print) {
      done.back().state = "printed";
      done.back().sql = SqlFor(info, prefix);
      if (!options.json) program.out << done.back().sql;
    } else if (info.embedded) {
      done.back().state = "embedded";
      servers->BootstrapAgain(container);
      out << "Made the roles and schemas of Yellow in the private PostgreSQL, which does so by itself too: container "
          << container << "\n";
    } else {
      done.back().superuser = BootstrapOne(program, project, info, prefix, out);
    }
  }
  if (options.json) program.out << Printed(BootstrappedContainerRecord().List(done));
  return kDone;
}

}  // namespace yellow::cli
