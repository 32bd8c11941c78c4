#pragma once

#include <string>
#include <string_view>

namespace yellow::sql {

/// What a statement changes, in two words: `update yellow.batch`, `copy dp_main.stg__shop__customers`, `commit`,
/// `call yellow_sec.run_open`, `lock yellow.stream`. Empty for what only reads or sets something of the session.
/// Quotes are left out.
std::string EffectOf(std::string_view statement);

/// `BEGIN … /* name */`: how a transaction is named, for whoever looks at the server's activity or log.
std::string Named(std::string_view statement, std::string_view name);
/// The name that Named gave, or an empty text.
std::string_view NameIn(std::string_view statement);

}  // namespace yellow::sql
