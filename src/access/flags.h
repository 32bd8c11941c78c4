#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "sql/statement_facts.h"

namespace yellow::access {

/// What a reviewer is to look at first.
enum class Flag {
  kDdl,
  kRoleCommand,
  kDoBlock,  ///< it executes what the text does not show: DO, functions that execute a text, files, programs
  kSetRole,
  kChangesReading,  ///< the server may read later texts otherwise than they were parsed here
  kRefused,
  kManyRows,
  kOutsideScope,  ///< an object that the request does not name; also one without its schema, as search_path decides
  kCatalog,
  kAfterExpiry,
  kUnparsable,  ///< nothing is known of what it does
};

/// As it stands in records: `ddl`, `role_command`.
std::string_view NameOf(Flag flag);

/// A text that was sent as a simple query or to be prepared, and what became of it.
struct SentText {
  std::string text;
  bool whole = true;          ///< false: only its beginning is known
  bool plain_reading = true;  ///< see ports::WireQuery
  bool refused = false;
  int64_t rows = 0;  ///< sent out
  bool after_expiry = false;
};

struct FlagRules {
  std::set<sql::NamedRelation> scope;  ///< tables, views and routines of the request, each with its schema
  int64_t many_rows = 0;               ///< from so many on
};

std::set<Flag> FlagsOf(const SentText& sent, const FlagRules& rules);

}  // namespace yellow::access
