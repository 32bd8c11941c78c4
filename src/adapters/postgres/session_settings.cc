#include "adapters/postgres/session_settings.h"

#include "base/error.h"

namespace yellow::adapters::postgres {
namespace {

constexpr const char* kSettings =
    "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; SET DateStyle = 'ISO, YMD'; SET IntervalStyle "
    "= 'postgres';"
    "SET TimeZone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = 'hex'; SET lock_timeout = '10s'; SET "
    "client_min_messages = 'warning';"
    "SET idle_in_transaction_session_timeout = 0;";

}  // namespace

void ApplySettings(ports::Session& session) {
  session.ExecuteScript(kSettings);
  if (session.server_version() < 140000) return;
  // Lets the server notice a client that has died while a statement runs; not every platform knows it.
  try {
    session.Execute("SET client_connection_check_interval = '5s'");
  } catch (const base::Error&) {  // without it a dead client is noticed later
  }
}

}  // namespace yellow::adapters::postgres
