#include "run/source_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "run/source_schema.h"

namespace yellow::run {
namespace {

constexpr int kFirstWithInfiniteIntervals = 170000;  // PostgreSQL 17
constexpr const char* kSavepoint = "before_copy";

/// On the side of the source also a view that fails on its rows, is no more valid, or may not be read.
bool IsAboutSource(const base::Error& error) {
  const std::string kind = error.sqlstate.substr(0, 2);
  return error.code == "source" && (kind == "21" || kind == "42" || kind == "P0");
}

bool IsUntranslatable(const base::Error& error) { return error.sqlstate == "22021" || error.sqlstate == "22P05"; }

}  // namespace

SourceReader::SourceReader(const Effects& effects, const Applied& applied, const plan::Stream& stream,
                           int target_version)
    : effects_(effects),
      stream_(stream),
      store_(*applied.model.FindDatastore(stream.store)),
      snapshot_(std::get<model::SqlSnapshot>(store_.capture)),
      target_version_(target_version) {}

std::optional<Hold> SourceReader::Open() {
  session_ = effects_.connector.Open(
      effects_.endpoints.Source(snapshot_.container.text, snapshot_.credential.text, "read " + stream_.key));
  const std::string lock = LockTables();
  transaction_ = std::make_unique<ports::Transaction>(*session_, "ISOLATION LEVEL REPEATABLE READ READ ONLY");
  // Before the snapshot: a TRUNCATE or a rewrite that commits after it would show the tables empty.
  if (!lock.empty()) session_->Execute(lock);
  for (const sql::TableLayout& table : stream_.tables) {
    if (auto hold = Compare(table)) return hold;
  }
  position_ = ReadPosition();
  return std::nullopt;
}

int64_t SourceReader::Copy(ports::Session& target, const sql::TableLayout& table, const ports::CopyProgress& progress) {
  const auto& unreadable = unreadable_[table.dataset.dataset];
  session_->Execute(std::string("SAVEPOINT ") + kSavepoint);
  const int64_t rows =
      target.CopyFrom(*session_, sql::CopyOut(SourceOf(table), unreadable), sql::CopyIn(table, unreadable), progress);
  session_->Execute(std::string("RELEASE SAVEPOINT ") + kSavepoint);
  return rows;
}

std::optional<Hold> SourceReader::Settle(const sql::TableLayout& table, const base::Error& error) {
  if (!IsAboutRows(error) && !IsAboutSource(error)) throw base::Error(error);
  const std::string& dataset = table.dataset.dataset;
  if (IsUntranslatable(error) && error.code == "source" && unreadable_[dataset].empty()) {
    session_->Execute(std::string("ROLLBACK TO SAVEPOINT ") + kSavepoint);
    auto hold = KnowUnreadable(table, UnreadableTexts(SourceOf(table)), " (" + std::string(error.what()) + ")");
    if (hold || !unreadable_[dataset].empty()) return hold;
  }
  return Hold{"unreadable", ToString(table.dataset) + " cannot be read: " + base::Describe(error), false};
}

const std::vector<std::string>& SourceReader::ignored(const sql::TableLayout& table) const {
  return ignored_.at(table.dataset.dataset);
}

/// `LOCK TABLE … IN ACCESS SHARE MODE` of the plain tables of this stream; other relations cannot be locked so.
std::string SourceReader::LockTables() {
  std::string names;
  for (const sql::TableLayout& table : stream_.tables) {
    const std::string& name = store_.FindDataset(table.dataset.dataset)->table;
    const ports::Rows plain = session_->Execute(
        {"SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 "
         "AND c.relname = $2 AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT') "
         "AND has_schema_privilege(n.oid, 'USAGE')",
         {snapshot_.schema, name}});
    if (!plain.empty()) names += (names.empty() ? "" : ", ") + sql::Qualified(snapshot_.schema, name);
  }
  return names.empty() ? "" : "LOCK TABLE " + names + " IN ACCESS SHARE MODE";
}

/// Of the snapshot that is read. A standby tells the transactions of its primary.
SourcePosition SourceReader::ReadPosition() {
  const ports::Rows position = session_->Execute(
      "SELECT pg_snapshot_xmax(pg_current_snapshot()), has_function_privilege('pg_catalog.pg_control_system()', "
      "'EXECUTE')");
  SourcePosition read{std::nullopt, position.Integer(0, 0)};
  if (position.Boolean(0, 1))
    read.system = session_->Execute("SELECT system_identifier FROM pg_catalog.pg_control_system()").Text(0, 0);
  return read;
}

/// The table as it is now, beside the model; then what is known to be unreadable in it.
std::optional<Hold> SourceReader::Compare(const sql::TableLayout& table) {
  const model::Dataset& dataset = *store_.FindDataset(table.dataset.dataset);
  const std::vector<SourceColumn> columns = ReadSourceColumns(*session_, snapshot_.schema, dataset.table);
  if (const auto drift = SchemaDrift(dataset, snapshot_.schema, columns))
    return Hold{"schema", ToString(table.dataset) + ": " + *drift, false};
  std::vector<std::string>& ignored = ignored_[dataset.name];
  for (const SourceColumn& column : columns) {
    const bool modelled = std::any_of(dataset.columns.begin(), dataset.columns.end(),
                                      [&](const model::Column& c) { return c.from == column.name; });
    if (!modelled) ignored.push_back(column.name);
  }
  if (session_->server_version() < kFirstWithInfiniteIntervals || target_version_ >= kFirstWithInfiniteIntervals)
    return std::nullopt;
  return KnowUnreadable(table, sql::InfiniteIntervals(SourceOf(table)),
                        " (the merge database is older than PostgreSQL 17 and has no infinite intervals)");
}

/// Remembers it for Copy where rows are set aside; elsewhere the first such row is a hold.
std::optional<Hold> SourceReader::KnowUnreadable(const sql::TableLayout& table, std::vector<sql::Unreadable> unreadable,
                                                 const std::string& because) {
  if (unreadable.empty()) return std::nullopt;
  const ports::Rows found = session_->Execute(sql::FindUnreadable(SourceOf(table), unreadable));
  if (found.Integer(0, 0) == 0) return std::nullopt;
  if (!table.sets_aside) {
    return HoldOf(table.dataset, {std::string(merge::kUnreadable), std::string(merge::kReadableRule),
                                  found.Integer(0, 0), found.Text(0, 1) + because});
  }
  auto& known = unreadable_[table.dataset.dataset];
  known.insert(known.end(), unreadable.begin(), unreadable.end());
  return std::nullopt;
}

/// Nothing where the encoding does not let a row be asked.
std::vector<sql::Unreadable> SourceReader::UnreadableTexts(const sql::SourceTable& source) {
  const ports::Rows encoding = session_->Execute(
      "SELECT getdatabaseencoding(), pg_encoding_max_length(pg_char_to_encoding(getdatabaseencoding()))");
  if (encoding.Text(0, 0) == "SQL_ASCII") return sql::TextsThatAreNotUtf8(source);
  const std::vector<int> bytes = encoding.Integer(0, 1) == 1 ? BytesWithoutMeaning() : std::vector<int>();
  return bytes.empty() ? std::vector<sql::Unreadable>() : sql::TextsWithBytes(source, bytes);
}

std::vector<int> SourceReader::BytesWithoutMeaning() {
  std::vector<int> bytes;
  session_->Execute("SAVEPOINT byte");
  for (int byte = 0x80; byte <= 0xFF; ++byte) {
    try {
      session_->Execute(fmt::format("SELECT convert_to(chr({}), 'UTF8')", byte));
    } catch (const base::Error& error) {
      if (!IsUntranslatable(error)) throw;
      bytes.push_back(byte);
      session_->Execute("ROLLBACK TO SAVEPOINT byte");
    }
  }
  return bytes;
}

sql::SourceTable SourceReader::SourceOf(const sql::TableLayout& table) const {
  return {snapshot_.schema, store_.FindDataset(table.dataset.dataset)->table, table.columns};
}

}  // namespace yellow::run
