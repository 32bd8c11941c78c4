#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "merge/merge.h"
#include "testing/postgres_server.h"

/// What the tests of merges share: tables of any shape in a real PostgreSQL, random rows for them, and the same merge
/// over maps, which the statements are compared with.
namespace yellow::merge {

using Cell = std::optional<std::string>;
using Row = std::vector<Cell>;

inline constexpr const char* kOpen = "2147483647";

struct Shape {
  std::string name;
  std::vector<std::pair<std::string, std::string>> columns;  ///< name, type, also with `not null`
  std::vector<std::string> key;
  model::Milestoning milestoning = model::Milestoning::kLive;
  bool sets_aside = false;
};

inline const std::vector<std::pair<std::string, std::string>> kColumns{{"id", "integer"},     {"code", "varchar(9)"},
                                                                       {"amount", "numeric"}, {"note", "text"},
                                                                       {"doc", "json"},       {"raw", "bytea"}};

sql::TableLayout LayoutOf(const Shape& shape);
void MakeTables(ports::Session& session, const sql::TableLayout& layout);
void Stage(ports::Session& session, const sql::TableLayout& layout, const std::vector<Row>& rows);
MergeSpec SpecOf(const sql::TableLayout& layout, int batch);
/// That the merge table holds: what counters of its batches would tell.
int64_t CountLive(ports::Session& session, const sql::TableLayout& layout);
/// Checks, and merges as a batch does, without guards. REQUIRES: no bad rows, or a layout that sets them aside.
Counters MergeOnce(ports::Session& session, MergeSpec spec);
std::vector<Row> ReadTable(ports::Session& session, const std::string& table);
/// The rejected table, as Reference::Rejected gives it.
std::vector<Row> ReadRejected(ports::Session& session, const sql::TableLayout& layout);

/// Rows near each other, so that batches collide, change, and differ in the letter only. `bad`: some of them break
/// rules.
std::vector<Row> RandomRows(const sql::TableLayout& layout, bool bad, std::mt19937& random);

class Reference {
 public:
  explicit Reference(const sql::TableLayout& layout) : layout_(layout) {}

  Counters Merge(const std::vector<Row>& rows, int batch);
  /// The merge table, sorted.
  std::vector<Row> Table() const;
  /// The rejected table: in, out, rule and the columns of the row, sorted.
  std::vector<Row> Rejected() const;

 private:
  using Bad = std::pair<std::string, Row>;  ///< rule, row

  bool InKey(const std::string& column) const;
  /// Without a key the whole row is its own key.
  Row KeyOf(const Row& row) const;
  /// The first rule that the row breaks, of the columns of the key or of the others; empty: none.
  std::string Broken(const Row& row, bool of_key) const;
  void SetAside(const std::vector<Bad>& bad, int batch);
  void Close(Row row, const std::string& batch);

  const sql::TableLayout& layout_;
  std::map<Row, std::vector<Row>> live_;
  std::vector<Row> closed_;
  std::map<Bad, std::vector<int>> rejected_;  ///< the batches in which those that are bad now have become so
  std::vector<Row> rejected_before_;
};

}  // namespace yellow::merge
