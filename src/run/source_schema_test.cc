#include "run/source_schema.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "base/error.h"
#include "merge/columns.h"
#include "sql/source_copy.h"
#include "testing/postgres_server.h"

// The table of allowed pairs, asked of a real PostgreSQL: every type that it has × every type that can be declared.
// Whatever is allowed is carried, and is the same afterwards.
namespace yellow::run {
namespace {

using Texts = std::vector<std::string>;

const Texts kDeclared{"smallint", "integer",     "bigint", "numeric", "real",   "double precision", "text",
                      "char(40)", "varchar(80)", "date",   "time",    "timetz", "timestamp",        "timestamptz",
                      "interval", "uuid",        "json",   "jsonb",   "bytea",  "boolean"};

/// What is allowed for a type of the source, beside text, char and varchar.
const std::map<std::string, Texts> kAllowed{{"smallint", {"smallint", "integer", "bigint", "numeric"}},
                                            {"integer", {"integer", "bigint", "numeric"}},
                                            {"bigint", {"bigint", "numeric"}},
                                            {"numeric", {"numeric"}},
                                            {"real", {"real"}},
                                            {"double precision", {"double precision"}},
                                            {"text", {}},
                                            {"character(40)", {}},
                                            {"character varying(80)", {}},
                                            {"date", {"date"}},
                                            {"time without time zone", {"time"}},
                                            {"time with time zone", {"timetz"}},
                                            {"timestamp without time zone", {"timestamp"}},
                                            {"timestamp with time zone", {"timestamptz"}},
                                            {"interval", {"interval"}},
                                            {"uuid", {"uuid"}},
                                            {"json", {"json"}},
                                            {"jsonb", {"jsonb"}},
                                            {"bytea", {"bytea"}},
                                            {"boolean", {"boolean"}}};

/// Values of a type, at its edges. A type that is not here has none, and is carried as null.
const std::map<std::string, Texts> kValues{
    {"smallint", {"-32768", "0", "32767"}},
    {"integer", {"-2147483648", "0", "2147483647"}},
    {"bigint", {"-9223372036854775808", "0", "9223372036854775807"}},
    {"numeric", {"0", "1.0", "1.00", "-0.000000001", "NaN", "Infinity", "-Infinity", "1e-60", "1e70"}},
    {"real", {"3.4028235e38", "1e-45", "0.1", "-0", "NaN", "-Infinity"}},
    {"double precision", {"1.7976931348623157e308", "5e-324", "0.1", "-0", "NaN", "Infinity"}},
    {"text", {"", "  a ", "a\tb\nc\\N\"'", "\U0001F600", "\u202e\uffff\u0301"}},
    {"character(40)", {"", "a", "\U0001F600"}},
    {"character varying(80)", {"", "  a ", "\U0001F600"}},
    {"date", {"4713-01-01 BC", "5874897-12-31", "infinity", "-infinity", "2024-02-29"}},
    {"time without time zone", {"00:00:00", "24:00:00", "12:34:56.789012"}},
    {"time with time zone", {"00:00:00+15:59", "24:00:00-15:59"}},
    {"timestamp without time zone", {"4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity"}},
    {"timestamp with time zone", {"2026-03-29 01:30:00+01", "2026-10-25 02:30:00+02", "-infinity"}},
    {"interval", {"178000000 years", "-178000000 years", "-1 mon +1 day -00:00:00.000001", "0"}},
    {"uuid", {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"}},
    {"json", {"{}", "{ \"b\": 1, \"a\": 1.00, \"a\": 2 }", "null", "\"\\u0000\""}},
    {"jsonb", {"{}", "[1.10, null]", "\"\""}},
    {"bytea", {"\\x", "\\x00ff"}},
    {"boolean", {"true", "false"}},
    {"inet", {"::1/128", "10.0.0.0/8"}},
    {"cidr", {"10.0.0.0/8"}},
    {"macaddr", {"08:00:2b:01:02:03"}},
    {"macaddr8", {"08:00:2b:01:02:03:04:05"}},
    {"money", {"-92233720368547758.08", "0.01"}},
    {"bit(3)", {"101"}},
    {"bit varying", {"", "0101"}},
    {"xml", {"<a b='c'>&lt;</a>"}},
    {"\"char\"", {"a", ""}},
    {"name", {"", "customers"}},
    {"oid", {"0", "4294967295"}},
    {"point", {"(0.1,-1e-300)"}},
    {"box", {"(1,1),(0,0)"}},
    {"circle", {"<(0,0),1>"}},
    {"line", {"{1,-1,0}"}},
    {"lseg", {"[(0,0),(1,1)]"}},
    {"path", {"[(0,0),(1,1)]"}},
    {"polygon", {"((0,0),(1,1))"}},
    {"tsvector", {"'a':1 'b':2A"}},
    {"tsquery", {"'a' & !'b'"}},
    {"int4range", {"empty", "[1,10)", "(,)"}},
    {"tstzrange", {"[\"2026-01-01 00:00:00+00\",infinity)"}},
    {"int8multirange", {"{[1,2),[5,)}"}},
    {"pg_lsn", {"16/B374D848"}},
    {"regclass", {"pg_class"}},
    {"public.mood", {"fine", "not, so \"fine\""}},
    {"public.positive", {"1", "2147483647"}},
    {"public.pair", {"(1,\"a,b\")"}},
    {"public.pairs", {"[1,5]"}},
    {"public.citext", {"", "Straße"}},
    {"public.hstore", {"\"a\"=>NULL, \"b\"=>\"\""}}};

model::DataType Type(const std::string& text, bool array = false) {
  std::string why;
  model::DataType type = model::ParseType(text, &why)->type;
  type.array = array;
  return type;
}

bool IsText(const std::string& declared) {
  return declared == "text" || declared.starts_with("char") || declared.starts_with("varchar");
}

/// One column of each type that a column can have, and one of its array.
class Pairs : public ::testing::Test {
 protected:
  struct Source {
    std::string type;  ///< as it was written
    bool array = false;
    SourceColumn column;
  };

  Pairs() : session_(yellow::testing::PostgresServer::Shared().FreshDatabase()) {
    session_->ExecuteScript(
        "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE TYPE mood AS ENUM ('fine', 'not, so \"fine\"'); "
        "CREATE "
        "DOMAIN positive AS integer CHECK (VALUE > 0); CREATE TYPE pair AS (a integer, b text); CREATE TYPE pairs AS "
        "RANGE "
        "(subtype = integer); SET search_path = ''; SET TimeZone = 'UTC';");
    const ports::Rows types = session_->Execute(
        "SELECT format_type(oid, CASE typname WHEN 'bpchar' THEN 44 WHEN 'varchar' THEN 84 WHEN 'bit' THEN 3 END), "
        "typarray <> 0 FROM pg_type t WHERE typtype <> 'p' AND typcategory <> 'A' AND typname !~ '^_' AND (typtype <> "
        "'c' "
        "OR typname = 'pair') AND typnamespace IN ('pg_catalog'::regnamespace, 'public'::regnamespace) AND NOT EXISTS "
        "(SELECT FROM pg_type e WHERE e.typarray = t.oid) AND typinput <> 0 ORDER BY 1");
    for (size_t i = 0; i < types.size(); ++i) {
      const std::string& type = types.Text(i, 0);
      try {
        Add(type, false);
        if (types.Boolean(i, 1)) Add(type, true);
      } catch (const base::Error& error) {  // types of the server's own that no table may have
        EXPECT_EQ(error.sqlstate, "42P16") << type << ": " << error.what();
      }
    }
    const std::vector<SourceColumn> columns = ReadSourceColumns(*session_, "public", "t");
    EXPECT_EQ(columns.size(), sources_.size());
    for (size_t i = 0; i < sources_.size(); ++i) sources_[i].column = columns[i];
  }

  void Add(const std::string& type, bool array) {
    const std::string name = "c" + std::to_string(sources_.size());
    session_->Execute(sources_.empty() ? "CREATE TABLE public.t (c0 " + type + ")"
                                       : "ALTER TABLE public.t ADD COLUMN " + name + " " + type + (array ? "[]" : ""));
    sources_.push_back({type, array, {}});
  }

  /// What should be allowed. A domain over a type is as that type.
  static bool ShouldFit(const Source& source, const std::string& declared, bool array) {
    if (!array && IsText(declared)) return true;
    const bool domain_array = source.array && source.type == "public.positive";
    const auto found = kAllowed.find(source.type == "public.positive" ? "integer" : source.type);
    if (array != source.array || domain_array || found == kAllowed.end()) return false;
    if (found->second.empty() && IsText(declared)) return true;  // texts among each other
    return std::find(found->second.begin(), found->second.end(), declared) != found->second.end();
  }

  std::unique_ptr<ports::Session> session_;
  std::vector<Source> sources_;
};

TEST_F(Pairs, AreAllowedAsTheTableSays) {
  std::set<std::string> seen;
  for (const Source& source : sources_) {
    seen.insert(source.type);
    for (const std::string& declared : kDeclared) {
      for (const bool array : {false, true}) {
        EXPECT_EQ(!Unfit(source.column, Type(declared, array)), ShouldFit(source, declared, array))
            << source.type << (source.array ? "[]" : "") << " as " << declared << (array ? "[]" : "");
      }
    }
  }
  for (const auto& [type, declared] : kAllowed) EXPECT_EQ(seen.count(type), 1U) << type << " was not asked";
  for (const auto& [type, values] : kValues) EXPECT_EQ(seen.count(type), 1U) << type << " is no type of this server";
  EXPECT_GT(seen.size(), 60U);
}

/// Fills one column with its values: alone, in an array of one and of two dimensions, with nulls and empty.
Texts ValuesOf(const std::string& type, bool array) {
  const auto found = kValues.find(type);
  Texts values = found == kValues.end() ? Texts() : found->second;
  if (!array) return values;
  const char* delimiter = type == "box" ? ";" : ",";
  std::string all;
  for (const std::string& value : values) {
    std::string quoted;
    for (const char c : value) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    all += "\"" + quoted + "\"" + delimiter;
  }
  Texts arrays{"{}", "{" + all + "NULL}"};
  if (!values.empty()) arrays.push_back("{{" + all + "NULL}" + delimiter + "{" + all + "NULL}}");
  return arrays;
}

/// A cast to the text in which source and copy are compared: PostgreSQL's own. Only the blanks at the end of char mean
/// nothing, so they are taken away on both sides.
std::string Comparable(const std::string& source, bool source_array, const model::DataType& declared) {
  const std::string texts = declared.array ? "::text[]::text" : "::text";
  if (declared.kind == model::TypeKind::kChar) return "::" + model::ToSql(declared) + texts;
  return source.starts_with("character(") && source_array && declared.array ? texts : "::text";
}

TEST_F(Pairs, ThatAreAllowedCarryEveryValueUnchanged) {
  const auto target = yellow::testing::PostgresServer::Shared().FreshDatabase();
  target->Execute("SET TimeZone = 'UTC'");
  int carried = 0;
  for (const Source& source : sources_) {
    session_->Execute("TRUNCATE public.t");
    const std::string name = source.column.name;
    session_->Execute("INSERT INTO public.t (" + name + ") VALUES (NULL)");
    for (const std::string& value : ValuesOf(source.type, source.array))
      session_->Execute({"INSERT INTO public.t (" + name + ") VALUES ($1)", {value}});
    for (const std::string& declared : kDeclared) {
      for (const bool array : {false, true}) {
        model::Column column;
        column.name = "v", column.from = name, column.type = Type(declared, array);
        if (Unfit(source.column, column.type)) continue;
        SCOPED_TRACE(source.type + (source.array ? "[]" : "") + " as " + declared + (array ? "[]" : ""));
        sql::TableLayout layout;
        layout.schema = "public", layout.staging_table = "staged", layout.columns = {column};
        target->Execute("CREATE TABLE public.staged (v " + model::ToSql(model::WithoutLimits(column.type)) + ")");
        ports::Transaction staging(*target);
        target->Execute("TRUNCATE public.staged");
        target->CopyFrom(*session_, sql::CopyOut({"public", "t", {column}}, {}), sql::CopyIn(layout, {}), {});
        staging.Commit();
        const std::string compare = Comparable(source.type, source.array, column.type);
        const std::string fits = column.type.length && !array ? " WHERE v IS NULL OR char_length(v) <= 40" : "";
        const ports::Rows arrived =
            target->Execute("SELECT (" + merge::CastList(layout, "s") + ")" + compare + " FROM public.staged s" + fits);
        const ports::Rows expected =
            session_->Execute("SELECT v" + compare + " FROM (SELECT " + name + (fits.empty() ? "" : "::text") +
                              " AS v FROM public.t) x" + fits);
        EXPECT_THAT(arrived.rows, ::testing::UnorderedElementsAreArray(expected.rows));
        carried += static_cast<int>(arrived.size());
        target->Execute("DROP TABLE public.staged");
      }
    }
  }
  EXPECT_GT(carried, 800);
}

}  // namespace
}  // namespace yellow::run
