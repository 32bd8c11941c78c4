#include <cstdio>

#include "merge/merge.h"

namespace yellow::merge {
namespace {

constexpr int64_t kDeletedAlwaysAllowed = 100;
constexpr int64_t kRejectedAllowedByDefault = 10;
constexpr double kPercentRejectedByDefault = 1;

std::string Describe(const model::RowLimit& limit) {
  if (limit.rows) return std::to_string(*limit.rows);
  char share[16];
  std::snprintf(share, sizeof share, "%g%%", limit.percent.value_or(0));
  return share;
}

bool Exceeds(int64_t rows, int64_t whole, const model::RowLimit& limit) {
  if (limit.rows) return rows > *limit.rows;
  return static_cast<double>(rows) > static_cast<double>(whole) * limit.percent.value_or(100) / 100;
}

}  // namespace

std::optional<GuardBreach> BreachOf(const std::string& dataset, const Counters& counters, int64_t before,
                                    const model::Guards& guards) {
  bool may_become_empty = false;
  for (const model::Name& name : guards.may_become_empty) may_become_empty |= name.text == dataset;
  if (counters.rejected == 0 && before > 0 && before + counters.inserted == counters.deleted) {
    if (may_become_empty) return std::nullopt;
    return GuardBreach{"emptied", dataset + " had " + std::to_string(before) + " rows, now none"};
  }
  if (!Exceeds(counters.deleted, before, guards.max_deleted) || counters.deleted < kDeletedAlwaysAllowed)
    return std::nullopt;
  return GuardBreach{"mass_delete", dataset + " would lose " + std::to_string(counters.deleted) + " of " +
                                        std::to_string(before) +
                                        " rows, more than max_deleted allows: " + Describe(guards.max_deleted)};
}

std::optional<GuardBreach> RejectionBreachOf(const std::string& dataset, int64_t rejected, int64_t read,
                                             const model::Guards& guards) {
  if (guards.max_rejected ? !Exceeds(rejected, read, *guards.max_rejected)
                          : rejected <= kRejectedAllowedByDefault ||
                                !Exceeds(rejected, read, {std::nullopt, kPercentRejectedByDefault})) {
    return std::nullopt;
  }
  return GuardBreach{"mass_reject", dataset + " has " + std::to_string(rejected) +
                                        (rejected == 1 ? " bad row of " : " bad rows of ") + std::to_string(read) +
                                        ", more than max_rejected allows: " +
                                        (guards.max_rejected ? Describe(*guards.max_rejected) : "1%, or 10 rows")};
}

bool IsGuarded(std::string_view code) {
  return code == "emptied" || code == "mass_delete" || code == "mass_reject" || code == "went_back";
}

}  // namespace yellow::merge
