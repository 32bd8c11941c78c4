#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/model.h"
#include "sql/layout.h"
#include "sql/statement.h"

namespace yellow::sql {

/// What a transformer's SELECT may read: an input, the view that stands for it, and in mode incremental the view of its
/// changes.
struct SelectInput {
  model::InputAddress address;
  std::string schema;
  std::string view;
  std::string changes_view;  ///< empty in mode full
};

/// `Shop.customers__changes` names the changes of Shop.customers; no dataset's own name holds two underscores.
inline constexpr std::string_view kChangesSuffix = "__changes";

/// What is wrong with a SELECT; line and column count from 1, in code points.
struct SelectProblem {
  std::string message;
  std::string remedy;
  int line = 0;
  int column = 0;
  bool operator==(const SelectProblem&) const = default;
};

/// Checks that a text is exactly one SELECT that only reads inputs, and puts the views in place of the model's names
/// (`Shop.customers`, `Original.Shop.customers`, `Shop.customers__changes`), in the parse tree's places, so that
/// strings, comments and aliases are left alone. A table without an alias is called by its dataset, as it is written:
/// `FROM Shop.customers` allows `customers.id`. In mode incremental it must read changes and say what becomes of each
/// row in a column yellow_op, because otherwise rows that are gone would stay.
std::variant<std::string, std::vector<SelectProblem>> RewriteSelect(const std::string& text,
                                                                    const std::vector<SelectInput>& inputs,
                                                                    model::Mode mode);

/// `INSERT INTO <output table> (columns) SELECT columns FROM (<select>)`: columns match by name, yellow_op of an
/// incremental output too.
std::string InsertInto(const TableLayout& output, const std::string& select);

/// The SELECT of a mask: each column by its rule, of the input's rows or, for an incremental output, of its changes.
/// `key_parameters` is how many statement parameters a pseudonym needs: $1 and $2 are the mask key's inner and outer
/// pads (see MaskKeyPads). Without rules for a column it is kept.
std::string MaskSelect(const TableLayout& output, const std::map<std::string, model::MaskRule>& rules,
                       const SelectInput& input);

/// The two 64-byte pads of HMAC-SHA256 (RFC 2104) for a key, as bytea literals in hexadecimal (`\x…`).
std::vector<std::string> MaskKeyPads(const std::string& key);

}  // namespace yellow::sql
