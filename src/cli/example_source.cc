#include "cli/example_source.h"

#include "sql/statement.h"

namespace yellow::cli {

std::unique_ptr<ports::Session> MakeExampleSource(const Program& program, ports::Servers& servers,
                                                  const Project& project, const ExampleSource& source) {
  auto session =
      program.connector.Open(servers.Service(source.container, ports::ServiceRole::kSuperuser, "example source"));
  const std::string table = sql::Qualified("public", source.table), login = sql::Identifier::Quote(source.login).text();
  if (!session->Execute({"SELECT to_regclass($1) IS NOT NULL", {table}}).Boolean(0, 0))
    session->ExecuteScript(source.script);
  const std::string secret = project.data + "/secrets/" + source.login;
  const bool has_login = !session->Execute({"SELECT FROM pg_roles WHERE rolname = $1", {source.login}}).empty();
  if (!has_login || !program.files.Exists(secret)) {
    const base::Secret password = program.entropy.Password();
    program.files.WriteAtomically(secret, source.login + ":" + password.Reveal(), true);
    const std::string verifier = sql::Literal(program.connector.ScramVerifier(password));
    session->Execute(std::string(has_login ? "ALTER" : "CREATE") + " ROLE " + login + " LOGIN PASSWORD " + verifier);
  }
  const std::string database = sql::Identifier::Quote(servers.Describe(source.container).database).text();
  session->ExecuteScript("GRANT CONNECT ON DATABASE " + database + " TO " + login +
                         "; GRANT USAGE ON SCHEMA public TO " + login +
                         "; GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + login);
  return session;
}

}  // namespace yellow::cli
