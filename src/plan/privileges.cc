#include "plan/privileges.h"

namespace yellow::plan {
namespace {

class Granting {
 public:
  Granting(const sql::Roles& roles, const std::string& database) : roles_(roles), database_(database) {}

  Privileges Make(const Desired* wanted) {
    for (const char* schema : {"yellow", "yellow_op", "yellow_access"}) all_.owners[schema] = roles_.Owner();
    all_.owners["yellow_sec"] = roles_.RoleMaker();
    all_.members = OwnMembers(roles_);
    AddDatabase();
    AddRoleMaking();
    AddControl();
    AddAudit();
    AddAccess();
    if (wanted != nullptr) AddModel(*wanted);
    return std::move(all_);
  }

 private:
  void Give(const std::string& object, const std::string& grantee, std::initializer_list<const char*> privileges) {
    for (const char* privilege : privileges) all_.rights.insert({object, grantee, privilege});
  }
  void GiveCalls(const std::string& schema, std::initializer_list<const char*> functions, const std::string& grantee) {
    for (const char* function : functions) Give(schema + "." + function + "()", grantee, {"EXECUTE"});
  }

  void AddDatabase() {
    for (const std::string& login :
         {roles_.Migrator(), roles_.Engine(), roles_.IngestOut(), roles_.Access(), roles_.TemporaryBase()})
      Give(database_, login, {"CONNECT"});
    for (const std::string& engine : {roles_.Engine(), roles_.IngestOut()}) Give(database_, engine, {"TEMPORARY"});
    Give(database_, roles_.RunBase(), {"CONNECT", "TEMPORARY"});
    Give(database_, roles_.Owner(), {"CREATE"});
    Give(database_, roles_.RoleMaker(), {"CREATE", "CONNECT", "CONNECT WITH GRANT OPTION"});
  }

  void AddRoleMaking() {
    for (const std::string& login : {roles_.Migrator(), roles_.Engine(), roles_.Access()})
      Give("yellow_sec", login, {"USAGE"});
    GiveCalls("yellow_sec", {"group_ensure", "group_admit", "group_dismiss"}, roles_.Migrator());
    GiveCalls("yellow_sec",
              {"run_prepare", "run_open", "run_disable", "run_end", "run_prepared", "run_drop", "backends_end",
               "sessions_idle"},
              roles_.Engine());
    GiveCalls("yellow_sec", {"tmp_open", "tmp_disable", "tmp_end", "tmp_end_some", "tmp_prepared", "tmp_drop"},
              roles_.Access());
    Give("yellow_op", roles_.IngestOut(), {"USAGE"});
    GiveCalls("yellow_op", {"dt_clear", "dt_lock"}, roles_.IngestOut());
  }

  /// By default privileges, so a new table of Yellow's own schema belongs into this list.
  void AddControl() {
    for (const std::string& engine : {roles_.Engine(), roles_.IngestOut()}) {
      Give("yellow", engine, {"USAGE"});
      for (const char* table : {"installation", "model", "stream", "batch", "batch_dataset", "mark", "transformer",
                                "run", "claim", "cursor", "verdict", "event", "change_log", "notice"})
        Give(std::string("yellow.") + table, engine, {"SELECT", "INSERT", "UPDATE", "DELETE"});
    }
    // Whoever makes the logins of runs looks for itself whether there is a run that is to begin.
    Give("yellow", roles_.RoleMaker(), {"USAGE"});
    Give("yellow.run", roles_.RoleMaker(), {"SELECT (id)", "SELECT (state)", "SELECT (transformer)"});
    Give("yellow.transformer", roles_.RoleMaker(), {"SELECT (key)", "SELECT (workspace)"});
  }

  void AddAudit() {
    for (const std::string& login : {roles_.Migrator(), roles_.Engine(), roles_.IngestOut(), roles_.Access()}) {
      Give("yellow_access", login, {"USAGE"});
      GiveCalls("yellow_access", {"audit_add"}, login);
    }
    GiveCalls("yellow_access",
              {"audit_lock", "audit_head", "audit_unchained", "audit_records", "audit_chained", "audit_mark",
               "audit_resume", "audit_anchored", "audit_anchors"},
              roles_.Access());
  }

  void AddAccess() {
    GiveCalls("yellow_access", {"ask",           "edit",
                                "vote",          "withdraw",
                                "lapse",         "activate",
                                "finish",        "disabled",
                                "dropped",       "judge",
                                "session_began", "session_ended",
                                "stated",        "requests",
                                "votes",         "sessions",
                                "open_sessions", "reviews",
                                "statements",    "flags",
                                "due",           "statement_counts",
                                "operations"},
              roles_.Access());
    GiveCalls("yellow_access", {"server_lines", "server_log_positions", "server_log_gone", "server_gaps"},
              roles_.Access());
    GiveCalls("yellow_access", {"statements_kept", "evidence", "evidence_read", "evidence_due", "evidence_delete"},
              roles_.Access());
    // The scheduler tells people of what waits too long.
    GiveCalls("yellow_access", {"alarms"}, roles_.Engine());
    for (const std::string& engine : {roles_.Engine(), roles_.IngestOut()})
      GiveCalls("yellow_access",
                {"operations_open", "operation_begin", "operation_renew", "operation_end", "space_owe", "space_owed"},
                engine);
    // Who repairs an output begins with what is published of it.
    Give("yellow_op", roles_.TemporaryBase(), {"USAGE"});
    GiveCalls("yellow_op", {"dt_fill"}, roles_.TemporaryBase());
    // Whoever makes temporary logins looks for itself whether there is an active request.
    Give("yellow_access", roles_.RoleMaker(), {"USAGE"});
    Give("yellow_access.request", roles_.RoleMaker(),
         {"SELECT (id)", "SELECT (state)", "SELECT (expires_at)", "SELECT (grants)"});
    // What opens a login of a run records it.
    GiveCalls("yellow_access", {"run_opened"}, roles_.RoleMaker());
  }

  void AddModel(const Desired& wanted) {
    for (const std::string& schema : wanted.schemas) all_.owners[schema] = roles_.Owner();
    for (const Grant& grant : wanted.grants) {
      all_.rights.insert(
          {grant.table.empty() ? grant.schema : grant.schema + "." + grant.table, grant.grantee, grant.privilege});
    }
    for (const Membership& reader : wanted.readers) {
      all_.members.insert({reader.group, reader.member});
      Give(database_, reader.group, {"CONNECT"});
    }
  }

  const sql::Roles& roles_;
  const std::string& database_;
  Privileges all_;
};

}  // namespace

std::set<Member> OwnMembers(const sql::Roles& roles) {
  return {{roles.Owner(), roles.Migrator(), false, false},
          {"pg_signal_backend", roles.RoleMaker()},
          {roles.RunBase(), roles.RoleMaker(), true},
          {roles.TemporaryBase(), roles.RoleMaker(), true}};
}

Privileges PrivilegesOf(const sql::Roles& roles, const std::string& database, const Desired* wanted) {
  return Granting(roles, database).Make(wanted);
}

}  // namespace yellow::plan
