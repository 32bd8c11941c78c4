#include "run/commit.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <random>

#include "merge/reference_test.h"
#include "sql/bootstrap.h"
#include "sql/control_schema.h"
#include "testing/postgres_server.h"

// A batch of several tables in one transaction, as the runners do it, beside a reference model of each table: all of
// them go on together, or none does.
namespace yellow::run {
namespace {

using merge::Reference;
using merge::Row;
using merge::Shape;

constexpr const char* kStream = "Ingest/Main/S";

const std::vector<std::pair<std::string, std::string>> kColumns{
    {"id", "integer"}, {"code", "varchar(2)"}, {"amount", "numeric(3,1)"}, {"note", "text not null"}};

struct Dataset {
  explicit Dataset(const Shape& shape) : layout(merge::LayoutOf(shape)), reference(Reference(layout)) {}
  sql::TableLayout layout;
  std::optional<Reference> reference;
  std::vector<Row> rows;  ///< of the batch
};

class Batch : public ::testing::Test {
 protected:
  Batch() : session_(yellow::testing::PostgresServer::Shared().FreshDatabase()) {
    session_->ExecuteScript(
        sql::BootstrapSql("yellow", session_->Execute("SELECT current_database()").Text(0, 0), "tests"));
    session_->Execute("SET ROLE yellow_owner");
    for (const std::string_view script : sql::ControlSchemaScripts(0)) session_->ExecuteScript(script);
    session_->Execute("RESET ROLE");
    session_->ExecuteScript(
        "INSERT INTO yellow.stream (key, platform, store) VALUES ('Ingest/Main/S', 'Main', 'S');"
        "INSERT INTO yellow.model (version, environment, files, digest, applied_by, program) VALUES (1, 'e', '{}', '', "
        "'', "
        "'')");
    // The layouts are referred to, so no element may move.
    datasets_.reserve(5);
    datasets_.emplace_back(Shape{"live", kColumns, {"id"}, model::Milestoning::kLive, false});
    datasets_.emplace_back(Shape{"forensic", kColumns, {"id", "code"}, model::Milestoning::kForensic, false});
    datasets_.emplace_back(Shape{"aside", kColumns, {"code"}, model::Milestoning::kForensic, true});
    datasets_.emplace_back(Shape{"keyless", kColumns, {}, model::Milestoning::kLive, false});
    datasets_.emplace_back(Shape{"numbers", kColumns, {"amount"}, model::Milestoning::kForensic, false});
    for (Dataset& dataset : datasets_) {
      dataset.reference.emplace(dataset.layout);
      merge::MakeTables(*session_, dataset.layout);
    }
  }

  void Stage(Dataset& dataset, std::vector<Row> rows) {
    dataset.rows = std::move(rows);
    merge::Stage(*session_, dataset.layout, dataset.rows);
  }

  std::vector<MergeInput> Inputs(int batch) const {
    std::vector<MergeInput> inputs;
    for (const Dataset& dataset : datasets_) {
      MergeInput input;
      input.spec = merge::SpecOf(dataset.layout, batch);
      input.spec.live_rows = live_rows_;
      input.mark = static_cast<int64_t>(dataset.rows.size());
      inputs.push_back(input);
    }
    return inputs;
  }

  /// As a runner: checks and merge in one transaction. The code of the hold, or empty when the batch is committed.
  std::string Commit(int batch, const model::Guards& guards, bool released, Merged& merged) {
    session_->Execute(
        {"INSERT INTO yellow.batch (stream, batch, state, attempt, model_version) VALUES ($1, $2, 'staged', "
         "'', 1) ON CONFLICT DO NOTHING",
         {kStream, std::to_string(batch)}});
    std::vector<MergeInput> inputs = Inputs(batch);
    ports::Transaction transaction(*session_);
    if (const auto hold = CheckRows(*session_, inputs, guards, released)) return hold->code;
    auto result = MergeAll(*session_, inputs, guards, released);
    if (const auto* hold = std::get_if<Hold>(&result)) return hold->code;
    merged = std::get<Merged>(result);
    CommitBatch(*session_, kStream, batch, merged, "staged");
    transaction.Commit();
    return "";
  }

  /// Every table, merged and rejected, is as the references say, and the staging holds what was read or what was
  /// merged.
  void ExpectTablesAsInReferences() {
    for (const Dataset& dataset : datasets_) {
      SCOPED_TRACE(dataset.layout.merge_table);
      ASSERT_EQ(merge::ReadTable(*session_, dataset.layout.merge_table), dataset.reference->Table());
      ASSERT_EQ(merge::ReadRejected(*session_, dataset.layout), dataset.reference->Rejected());
      const bool forensic = dataset.layout.milestoning == model::Milestoning::kForensic;
      ASSERT_EQ(session_
                    ->Execute("SELECT count(*) FROM " + dataset.layout.merge_table +
                              (forensic ? " WHERE yellow_batch_out = " + std::to_string(sql::kOpenBatch) : ""))
                    .Integer(0, 0),
                LiveRows(*session_, kStream, dataset.layout.dataset.dataset));
    }
  }

  std::unique_ptr<ports::Session> session_;
  std::vector<Dataset> datasets_;
  int64_t live_rows_ = 0;  ///< as the counters have it; above ten thousand the merge is by difference
};

/// What should become of a batch, told from its rows and the tables as they are.
struct Fate {
  bool bad_rows = false;  ///< in a table that sets none aside
  bool emptied = false;
  bool too_many = false;
  Merged counters;
  std::vector<Reference> after;
};

Fate Foretell(const std::vector<Dataset>& datasets, int batch, const model::Guards& guards) {
  Fate fate;
  for (const Dataset& dataset : datasets) {
    sql::TableLayout strict = dataset.layout;
    strict.sets_aside = true;
    Reference judge(strict);
    const int64_t bad = judge.Merge(dataset.rows, batch).rejected;
    fate.bad_rows |= bad > 0 && !dataset.layout.sets_aside;
    fate.after.push_back(*dataset.reference);
    const merge::Counters c = fate.after.back().Merge(dataset.rows, batch);
    fate.counters[dataset.layout.dataset.dataset] = c;
    fate.too_many |= c.rejected > *guards.max_rejected->rows;
    fate.emptied |= dataset.rows.empty() && c.deleted > 0;
  }
  return fate;
}

TEST_F(Batch, OfSeveralTablesGoesOnAsAWholeOrNotAtAll) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const auto one_in = [&](unsigned n) { return random() % n == 0; };
  model::Guards guards;
  guards.max_rejected = model::RowLimit{5, std::nullopt};
  int committed = 0, held = 0;
  for (int batch = 1; batch <= 80; ++batch) {
    SCOPED_TRACE(fmt::format("seed {}, batch {}", seed, batch));
    for (Dataset& dataset : datasets_)
      Stage(dataset, merge::RandomRows(dataset.layout, dataset.layout.sets_aside || one_in(6), random));
    const bool released = one_in(3);
    live_rows_ = one_in(2) ? 0 : 10'000;
    const Fate fate = Foretell(datasets_, batch, guards);
    Merged merged;
    const std::string code = Commit(batch, guards, released, merged);
    if (fate.bad_rows || (!released && (fate.emptied || fate.too_many))) {
      EXPECT_EQ(merge::IsGuarded(code), !fate.bad_rows) << code;
      ++held;
      session_->Execute({"UPDATE yellow.batch SET state = 'failed' WHERE batch = $1", {std::to_string(batch)}});
      ASSERT_EQ(
          session_->Execute({"SELECT 1 FROM yellow.batch_dataset WHERE batch = $1", {std::to_string(batch)}}).size(),
          0U);
      for (const Dataset& dataset : datasets_) {
        EXPECT_EQ(session_->Execute("SELECT 1 FROM " + dataset.layout.staging_table).size(), dataset.rows.size())
            << "what was staged is still there for a release";
      }
    } else {
      ASSERT_EQ(code, "");
      EXPECT_EQ(merged, fate.counters);
      ++committed;
      for (size_t i = 0; i < datasets_.size(); ++i) datasets_[i].reference.emplace(fate.after[i]);
    }
    ExpectTablesAsInReferences();
  }
  EXPECT_GT(committed, 5) << "seed " << seed;
  EXPECT_GT(held, 5) << "seed " << seed;
}

TEST_F(Batch, WhoseKeysCannotEvenBeComparedIsHeldForThem) {
  live_rows_ = 10'000;  // by difference
  Merged merged;
  for (Dataset& dataset : datasets_) Stage(dataset, {{"1", "a", "1.0", "x"}});
  ASSERT_EQ(Commit(1, {}, false, merged), "");
  Stage(datasets_.back(), {{"1", "a", "1234.5", "x"}});  // its key is a numeric(3,1)
  EXPECT_EQ(Commit(2, {}, false, merged), "out_of_range");
}

TEST_F(Batch, NobodyIsAskedToReleaseWhatCannotBeMerged) {
  live_rows_ = 10'000;  // by difference, which finds shared keys last
  Merged merged;
  for (Dataset& dataset : datasets_) Stage(dataset, {{"1", "a", "1.0", "x"}});
  ASSERT_EQ(Commit(1, {}, false, merged), "");
  model::Guards guards;
  guards.max_rejected = model::RowLimit{0, std::nullopt};
  const std::vector<Row> twice{{"1", "a", "1.0", "x"}, {"1", "a", "1.0", "y"}};
  const auto commit_with_twice = [&](size_t in, int batch) {
    Stage(datasets_[in], twice);
    const std::string code = Commit(batch, guards, false, merged);
    Stage(datasets_[in], {{"1", "a", "1.0", "x"}});
    return code;
  };
  Stage(datasets_[2], {{"1", "too long", "1.0", "x"}});  // is set aside
  EXPECT_EQ(Commit(2, guards, false, merged), "mass_reject");
  EXPECT_EQ(commit_with_twice(1, 3), "duplicate_key") << "beside rows that a person may accept";
  Stage(datasets_[2], {{"1", "a", "1.0", "x"}});
  Stage(datasets_[0], {});
  EXPECT_EQ(Commit(4, guards, false, merged), "emptied");
  EXPECT_EQ(commit_with_twice(1, 5), "duplicate_key") << "in a table after the one that looks like an accident";
}

TEST_F(Batch, WhoseStagingHasLostRowsIsNotMerged) {
  int batch = 0;
  for (const size_t of : {size_t{0}, size_t{1}, datasets_.size() - 1}) {
    for (const char* which : {" WHERE id = 2", ""}) {
      for (const int64_t live_rows : {0, 10'000}) {
        SCOPED_TRACE(fmt::format("dataset {}{}, {} live rows", of, which, live_rows));
        for (Dataset& dataset : datasets_) Stage(dataset, {{"1", "a", "1.0", "x"}, {"2", "b", "2.0", "y"}});
        session_->Execute("DELETE FROM " + datasets_[of].layout.staging_table + which);
        live_rows_ = live_rows;
        Merged merged;
        try {
          Commit(++batch, {}, true, merged);
          FAIL() << "it was merged";
        } catch (const base::Error& error) {
          EXPECT_EQ(error.code, "staging_lost");
          EXPECT_TRUE(error.retryable);
        }
        ExpectTablesAsInReferences();
      }
    }
  }
}

TEST_F(Batch, ThatSomebodyElseHasClosedIsNotMerged) {
  for (Dataset& dataset : datasets_) Stage(dataset, {{"1", "a", "1.0", "x"}});
  session_->Execute(
      {"INSERT INTO yellow.batch (stream, batch, state, attempt, model_version) VALUES ($1, 1, 'rejected', '', 1)",
       {kStream}});
  Merged merged;
  try {
    Commit(1, {}, false, merged);
    FAIL() << "it was merged";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code, "fenced");
  }
  ExpectTablesAsInReferences();
}

/// A server in a container that has little shared memory: what several processes do together fails there.
class SmallContainer : public ports::Session {
 public:
  explicit SmallContainer(ports::Session& inner) : inner_(inner) {}
  ports::Rows Execute(const sql::Statement& statement) override {
    if (!statement.text.starts_with("CREATE TEMPORARY TABLE")) return inner_.Execute(statement);
    if (inner_.Execute("SHOW max_parallel_workers_per_gather").Text(0, 0) == "0") {
      ++alone_;
      return inner_.Execute(statement);
    }
    inner_.Execute("DO $$ BEGIN RAISE EXCEPTION 'no room for shared memory' USING ERRCODE = '53100'; END $$");
    return {};
  }
  void ExecuteScript(std::string_view script) override { inner_.ExecuteScript(script); }
  int64_t CopyFrom(ports::Session& from, std::string_view copy_out, std::string_view copy_in,
                   const ports::CopyProgress& progress) override {
    return inner_.CopyFrom(from, copy_out, copy_in, progress);
  }
  int backend_pid() const override { return inner_.backend_pid(); }
  int server_version() const override { return inner_.server_version(); }
  bool in_transaction() const override { return inner_.in_transaction(); }
  bool Await(std::chrono::milliseconds most) override { return inner_.Await(most); }
  void Cancel() override { inner_.Cancel(); }
  int alone() const { return alone_; }

 private:
  ports::Session& inner_;
  int alone_ = 0;
};

TEST_F(Batch, IsMergedByOneProcessWhereSeveralHaveNoRoom) {
  Dataset& dataset = datasets_.front();
  Stage(dataset, {{"1", "a", "1.0", "x"}, {"2", "b", "1.0", "y"}});
  SmallContainer session(*session_);
  std::vector<MergeInput> inputs = Inputs(1);
  inputs.resize(1);
  ports::Transaction transaction(session);
  ASSERT_FALSE(CheckRows(session, inputs, {}, false));
  inputs.front().spec.path = merge::Path::kDifference;
  const auto result = MergeAll(session, inputs, {}, false);
  transaction.Commit();
  EXPECT_EQ(std::get<Merged>(result).at("live").inserted, 2);
  EXPECT_EQ(session.alone(), 2) << "what is new or unlike, and what is gone";
}

}  // namespace
}  // namespace yellow::run
