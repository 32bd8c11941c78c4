#include "plan/doctor_source.h"

#include <fmt/format.h>

#include "sql/statement.h"

namespace yellow::plan {
namespace {

std::string Named(const SourceTableFacts& table) { return table.schema + "." + table.table; }

std::string GrantTo(const SourceTableFacts& table, const std::string& what) {
  return "as the owner of the source: GRANT " + what + " TO " + sql::Quoted(table.login);
}

/// What is wrong with the table itself, or nothing.
std::optional<Finding> JudgeTable(const SourceTableFacts& table, const std::string& key) {
  if (!table.why_not.empty()) return Skipped(key, table.why_not);
  if (!table.there) {
    return Finding{key, Health::kProblem, "source.table_missing", "the table " + Named(table) + " is not there",
                   "mend the source, or the model and yellow apply (table: names one that is called otherwise there)"};
  }
  if (!table.schema_usable) {
    return Finding{key, Health::kProblem, "source.table_forbidden",
                   table.login + " may not use the schema " + table.schema,
                   GrantTo(table, "USAGE ON SCHEMA " + sql::Quoted(table.schema))};
  }
  if (table.readable) return std::nullopt;
  return Finding{key, Health::kProblem, "source.table_forbidden",
                 "the table " + Named(table) + " may not be read by " + table.login,
                 GrantTo(table, "SELECT ON " + sql::Qualified(table.schema, table.table))};
}

Finding JudgeColumn(const SourceTableFacts& table, const SourceColumnFacts& column, const std::string& key) {
  const std::string named = "column " + column.from + " of " + Named(table) + " ";
  if (!column.there) {
    return {key, Health::kProblem, "source.column_missing",
            named + "is not there" + (column.near.empty() ? "" : "; did you mean " + column.near + "?"),
            "mend the source, or the model and yellow apply (from: names a column that is called otherwise there)"};
  }
  if (!column.readable) {
    return {
        key, Health::kProblem, "source.column_forbidden", named + "may not be read by " + table.login,
        GrantTo(table, "SELECT (" + sql::Quoted(column.from) + ") ON " + sql::Qualified(table.schema, table.table))};
  }
  if (column.unfit.empty()) return Well(key);
  return {key, Health::kProblem, "source.column_unfit", named + column.unfit,
          "declare the type of the source, or text, and yellow apply; or mend the source"};
}

}  // namespace

Finding JudgeCredential(const CredentialFacts& facts) {
  const std::string key = "credentials/" + facts.name;
  if (facts.failure.empty())
    return Well(key, facts.container.empty() ? "" : facts.user + " logs in to " + facts.container);
  return {key, Health::kProblem, "credential.refused", facts.failure, facts.remedy};
}

Findings JudgeSourceTable(const SourceTableFacts& facts) {
  const std::string key = "sources/" + facts.store + "/" + facts.dataset;
  const auto wrong = JudgeTable(facts, key);
  Findings findings;
  if (wrong) {
    findings.push_back(*wrong);
  } else if (facts.rows_hidden) {
    findings.push_back(
        {key, Health::kWarning, "source.rows_hidden",
         "row security of " + Named(facts) + " may hide rows from " + facts.login + ", which then look deleted",
         "as the owner of the source: give the login a policy that shows every row, or BYPASSRLS"});
  } else {
    findings.push_back(Well(key));
  }
  for (const SourceColumnFacts& column : facts.columns) {
    const std::string of_column = key + "/" + column.name;
    findings.push_back(wrong ? Skipped(of_column, wrong->text) : JudgeColumn(facts, column, of_column));
  }
  return findings;
}

}  // namespace yellow::plan
