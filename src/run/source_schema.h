#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/model.h"
#include "ports/database.h"

namespace yellow::run {

/// One column of a source table as its catalogue describes it.
struct SourceColumn {
  std::string name;
  std::string type;      ///< format_type, with length; for a domain its base type
  bool known = true;     ///< false: an enum, a composite or another type that is carried as text only
  bool readable = true;  ///< the reader has the right to
};

/// Nothing when every value of the source type arrives unchanged in the declared one; else what is wrong, as a clause.
/// The table of allowed pairs: the same kind; a wider integer, or numeric; texts among each other; anything as text.
/// Not real as double precision: 0.1 would become 0.10000000149011612.
std::optional<std::string> Unfit(const SourceColumn& source, const model::DataType& declared);

/// Compares a dataset with its table; the first difference, readable, or nothing.
std::optional<std::string> SchemaDrift(const model::Dataset& dataset, const std::string& schema,
                                       const std::vector<SourceColumn>& columns);

/// Columns of a source table; empty when it is not there or may not be seen.
std::vector<SourceColumn> ReadSourceColumns(ports::Session& source, const std::string& schema,
                                            const std::string& table);

}  // namespace yellow::run
