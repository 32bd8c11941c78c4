#pragma once

#include <compare>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "plan/physical.h"
#include "sql/names.h"

/// What must be in a merge database, and what is there, in the same words, so that their difference is a plan.
namespace yellow::plan {

struct ColumnShape {
  std::string name;
  std::string type;  ///< as format_type gives it
  bool not_null = false;
  auto operator<=>(const ColumnShape&) const = default;
};

enum class TableRole { kMerge, kStaging, kOutput, kChangeLog, kRejected };

/// An index beside the primary key.
struct Index {
  std::string name;  ///< bare, in the table's schema
  std::string column;
  std::string condition;  ///< of a partial index, or empty
};

struct Table {
  std::string schema, name;
  TableRole role = TableRole::kMerge;
  std::string stream;   ///< key of the Ingest node it belongs to
  std::string dataset;  ///< Store.dataset
  bool unlogged = false;
  bool forensic = false;
  std::vector<ColumnShape> columns;      ///< business columns first
  std::vector<std::string> primary_key;  ///< empty: none
  std::vector<std::string> live_key;     ///< forensic: unique where yellow_batch_out is open
  std::vector<std::string> business;     ///< names of the business columns, in declared order
  std::vector<Index> indexes;
};

/// A dataset whose changes are followed: a row of yellow.change_log.
struct Followed {
  std::string stream;   ///< key of the Ingest node
  std::string dataset;  ///< bare
  auto operator<=>(const Followed&) const = default;
};

struct View {
  std::string schema, name;
  std::string definition;            ///< the SELECT
  std::vector<ColumnShape> columns;  ///< names and types that it shows
};

/// One privilege on one object: `schema` alone, or `schema.table` (also a view).
struct Grant {
  std::string schema;
  std::string table;  ///< empty: on the schema
  std::string grantee;
  std::string privilege;  ///< SELECT, USAGE, …
  auto operator<=>(const Grant&) const = default;
};

struct Membership {
  std::string group;
  std::string member;
  auto operator<=>(const Membership&) const = default;
};

struct Desired {
  std::string prefix;
  std::set<std::string> schemas;
  std::set<std::string> groups;
  std::map<std::pair<std::string, std::string>, Table> tables;  ///< by schema, name
  std::set<Followed> followed;
  std::map<std::pair<std::string, std::string>, View> views;
  std::set<Grant> grants;
  std::set<Membership> readers;
};

/// Everything that one container's part of `physical` needs. REQUIRES: physical holds that container's part only.
Desired Want(const Physical& physical, const std::string& prefix);

/// What the catalogue holds of all that, read by run/observe.
struct ObservedTable {
  std::vector<ColumnShape> columns;
  bool unlogged = false;
  int64_t rows = 0;  ///< the planner's estimate
  std::set<std::string> indexes;
};
struct ObservedView {
  std::string digest;  ///< of the definition with which Yellow made it; empty: not Yellow's
  std::vector<ColumnShape> columns;
};
struct Observed {
  int schema_version = 0;  ///< of Yellow's own schema, 0: not there
  int model_version = 0;   ///< newest applied, 0: none
  std::string model_digest;
  std::set<std::string> schemas;
  std::set<std::string> groups;
  std::map<std::pair<std::string, std::string>, ObservedTable> tables;
  std::set<Followed> followed;
  std::map<std::pair<std::string, std::string>, ObservedView> views;
  std::set<Grant> grants;  ///< of Yellow's roles and groups, in Yellow's schemas
  std::set<Membership> readers;
};

}  // namespace yellow::plan
