#include "cli/outputs.h"

#include <map>

#include "api/access_json.h"
#include "cli/views/audit_json.h"
#include "cli/views/author_json.h"
#include "cli/views/deploy_json.h"
#include "cli/views/doctor_view.h"
#include "cli/views/explain_view.h"
#include "cli/views/findings_json.h"
#include "cli/views/history_json.h"
#include "cli/views/privileges_view.h"
#include "cli/views/record.h"
#include "cli/views/recording_json.h"
#include "cli/views/status_view.h"

namespace yellow::cli {
namespace {

Json Either(Json first, Json second) { return {{"anyOf", Json::array({std::move(first), std::move(second)})}}; }

Json Texts(const std::vector<std::string>& required, const std::vector<std::string>& optional) {
  Json properties = Json::object();
  for (const auto* names : {&required, &optional}) {
    for (const std::string& name : *names) properties[name] = {{"type", "string"}};
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", required},
          {"additionalProperties", false}};
}

/// src/graph writes it, without a library for JSON.
Json GraphSchema() {
  return ListOf({{"type", "object"},
                 {"properties",
                  {{"platform", {{"type", "string"}}},
                   {"nodes", ListOf(Texts({"key", "kind", "priority"},
                                          {"store", "dataset", "container", "workspace", "mirror_of"}))},
                   {"edges", ListOf(Texts({"from", "to"}, {}))}}},
                 {"required", Json::array({"platform", "nodes", "edges"})},
                 {"additionalProperties", false}});
}

std::map<std::string, Json> Schemas() {
  return {
      {"access accept", api::RequestRecord().Schema()},
      {"access activate", api::RequestRecord().Schema()},
      {"access approve", api::RequestRecord().Schema()},
      {"access break-glass", api::RequestRecord().Schema()},
      {"access deny", api::RequestRecord().Schema()},
      {"access edit", api::RequestRecord().Schema()},
      {"access escalate", api::RequestRecord().Schema()},
      {"access keygen", MadeKeyRecord().Schema()},
      {"access list", api::RequestRecord().ListSchema()},
      {"access review", api::RequestRecord().ListSchema()},
      {"access release", api::RequestRecord().Schema()},
      {"access replay", ReadRecordingRecord().Schema()},
      {"access report", api::ReportRecord().ListSchema()},
      {"access request", api::RequestRecord().Schema()},
      {"access revoke", api::RequestRecord().Schema()},
      {"access scopes", api::ScopeRecord().ListSchema()},
      {"access shell", Json(false)},  // a terminal; programs are refused
      {"access show", api::RequestRecord().Schema()},
      {"access sql", Json(false)},  // a terminal; programs are refused
      {"access statements", api::StatementRecord().ListSchema()},
      {"access withdraw", api::RequestRecord().Schema()},
      {"apply", AppliedContainerRecord().ListSchema()},
      {"audit chain", ChainedRecordRecord().ListSchema()},
      {"audit export", ExportedLogRecord().Schema()},
      {"audit search", AuditRecordRecord().ListSchema()},
      {"audit tail", AuditRecordRecord().ListSchema()},
      {"audit verify", VerifiedRecord().ListSchema()},
      {"batches list", BatchRecord().ListSchema()},
      {"batches reject", RepairedBatchRecord().Schema()},
      {"batches release", RepairedBatchRecord().Schema()},
      {"batches replay", RepairRecord().Schema()},
      {"batches show", ShownBatchRecord().Schema()},
      {"bootstrap", BootstrappedContainerRecord().ListSchema()},
      {"demo", DemoOutcomeRecord().Schema()},
      {"demo flights", DemoOutcomeRecord().Schema()},
      {"doctor", DoctorRecord().ListSchema()},
      {"down", DoneRecord().Schema()},
      {"erase", api::RequestRecord().Schema()},
      {"explain", Either(ExplanationRecord().Schema(), BatchExplanationRecord().ListSchema())},
      {"export json-schema", {{"$ref", "https://json-schema.org/draft/2020-12/schema"}}},
      {"export privileges", PrivilegeRecord().ListSchema()},
      {"graph", GraphSchema()},
      {"import postgres", ImportedThingRecord().ListSchema()},
      {"init", WrittenFileRecord().ListSchema()},
      {"init transformer", WrittenFileRecord().ListSchema()},
      {"job close", JobRecord().Schema()},
      {"job due", WhatIsDueRecord().Schema()},
      {"job ingest", JobRecord().Schema()},
      {"job launch", JobRecord().Schema()},
      {"job look", JobRecord().Schema()},
      {"job open", JobRecord().Schema()},
      {"job transform", JobRecord().Schema()},
      {"lint", Either(FindingRecord().ListSchema(), ExplainedCodeRecord().Schema())},
      {"plan", PlannedContainerRecord().ListSchema()},
      {"rebuild", RepairRecord().Schema()},
      {"render airflow", RenderedFileRecord().ListSchema()},
      {"render kubernetes", RenderedFileRecord().ListSchema()},
      {"render systemd", RenderedFileRecord().ListSchema()},
      {"run", RunOutcomeRecord().Schema()},
      {"runs cancel", RepairedRunRecord().Schema()},
      {"runs list", RunRecord().ListSchema()},
      {"runs logs", ShownLogRecord().Schema()},
      {"runs retry", RepairRecord().Schema()},
      {"runs show", ShownRunRecord().Schema()},
      {"serve", ServeLineRecord().Schema()},
      {"sql", RowsSchema()},
      {"status", StatusRecord().Schema()},
      {"streams list", StreamRecord().ListSchema()},
      {"streams pause", RepairRecord().Schema()},
      {"streams resume", RepairRecord().Schema()},
      {"test", TestResultRecord().ListSchema()},
      {"try", TriedOutputRecord().ListSchema()},
  };
}

}  // namespace

std::vector<std::string> OutputNames() {
  std::vector<std::string> names{"error"};
  for (const auto& [name, schema] : Schemas()) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> OutputSchema(const std::string& name) {
  Json document{{"$schema", "https://json-schema.org/draft/2020-12/schema"}};
  if (name == "error") {
    document["title"] = "What a command of Yellow prints with --output json when it could not do its work";
    document.update(ErrorSchema());
    return Printed(document);
  }
  const std::map<std::string, Json> schemas = Schemas();
  const auto found = schemas.find(name);
  if (found == schemas.end()) return std::nullopt;
  document["title"] = "What yellow " + name + " --output json prints" + (name == "serve" ? ", a line" : "");
  document["anyOf"] = Json::array({{{"$ref", "#/$defs/output"}}, {{"$ref", "#/$defs/error"}}});
  document["$defs"] = {{"output", found->second}, {"error", ErrorSchema()}};
  return Printed(document);
}

}  // namespace yellow::cli
