#include "cli/example_source.h"

#include "sql/statement.h"

namespace yellow::cli {

void MakeReader(const Program& program, ports::Servers& servers, const std::string& data, const std::string& container,
                const std::string& login) {
  const auto session =
      program.connector.Open(servers.Service(container, ports::ServiceRole::kSuperuser, "example reader"));
  const std::string role = sql::Identifier::Quote(login).text();
  const std::string secret = data + "/secrets/" + login;
  const bool has_login = !session->Execute({"SELECT FROM pg_roles WHERE rolname = $1", {login}}).empty();
  if (!has_login || !program.files.Exists(secret)) {
    const base::Secret password = program.entropy.Password();
    program.files.WriteAtomically(secret, login + ":" + password.Reveal(), true);
    const std::string verifier = sql::Literal(program.connector.ScramVerifier(password));
    session->Execute(std::string(has_login ? "ALTER" : "CREATE") + " ROLE " + role + " LOGIN PASSWORD " + verifier);
  }
  const std::string database = sql::Identifier::Quote(servers.Describe(container).database).text();
  session->ExecuteScript("GRANT CONNECT ON DATABASE " + database + " TO " + role +
                         "; GRANT USAGE ON SCHEMA public TO " + role +
                         "; GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + role);
}

std::unique_ptr<ports::Session> MakeExampleSource(const Program& program, ports::Servers& servers,
                                                  const Project& project, const ExampleSource& source) {
  auto session =
      program.connector.Open(servers.Service(source.container, ports::ServiceRole::kSuperuser, "example source"));
  if (!session->Execute({"SELECT to_regclass($1) IS NOT NULL", {sql::Qualified("public", source.table)}}).Boolean(0, 0))
    session->ExecuteScript(source.script);
  MakeReader(program, servers, project.data, source.container, source.login);
  return session;
}

}  // namespace yellow::cli
