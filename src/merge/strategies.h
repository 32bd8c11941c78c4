#pragma once

#include "merge/merge.h"

namespace yellow::merge {

/// Current rows by key: changed rows are updated in place, unmentioned ones deleted, new ones inserted.
std::vector<MergeStatement> LiveKeyed(const MergeSpec& spec);
/// Current rows without a key, as multisets: a row that comes n times stands n times.
std::vector<MergeStatement> LiveKeyless(const MergeSpec& spec);
/// Versions by key: a changed or deleted row's version ends with the batch, a new version begins with it.
std::vector<MergeStatement> Forensic(const MergeSpec& spec);
/// Either of the keyed ones in another way: what source and target differ in is found first, in one comparison of the
/// two, and then applied. REQUIRES: a key, and a snapshot that Checks have passed but for shared keys.
std::vector<MergeStatement> ByDifference(const MergeSpec& spec);
/// A strategy's statements with those that set bad rows aside between them. REQUIRES: a snapshot in a staging table.
std::vector<MergeStatement> WithSetAside(const MergeSpec& spec, const std::vector<MergeStatement>& merge);

}  // namespace yellow::merge
