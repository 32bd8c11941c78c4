#pragma once

#include <compare>
#include <set>
#include <string>
#include <string_view>

namespace yellow::sql {

struct NamedRelation {
  std::string schema;  ///< empty: not said, so that search_path decides
  std::string name;
  auto operator<=>(const NamedRelation&) const = default;
};

/// What a text of one or several statements does, as far as the text says it: from PostgreSQL's own parser, so that
/// comments, quotes and letters do not hide anything. What a function does inside, or a name that is put together when
/// it runs, is not in the text; `hides_statements` and the settings below count whatever may do such.
struct StatementFacts {
  std::string problem;            ///< why the text cannot be parsed, and then nothing else is known; else empty
  std::set<std::string> kinds;    ///< of its statements, also inner ones, as the parser calls them: SelectStmt
  bool ddl = false;               ///< makes, changes or drops objects; what is not known counts
  bool role_command = false;      ///< roles, memberships, grants, owners
  bool hides_statements = false;  ///< DO, and functions that execute a text or read what a text names
  bool sets_role = false;         ///< SET ROLE, SET SESSION AUTHORIZATION, and all that comes to the same
  bool sets_reading = false;      ///< changes how the server reads later texts: encoding, standard_conforming_strings
  std::set<NamedRelation> relations;  ///< tables and views that it reads, writes or changes
  std::set<NamedRelation> routines;   ///< functions and procedures whose schema it names
};

/// REQUIRES: nothing; any bytes may be given.
StatementFacts FactsOf(std::string_view text);

}  // namespace yellow::sql
