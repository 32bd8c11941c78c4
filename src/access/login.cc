#include "access/login.h"

#include <algorithm>

#include "base/digest.h"
#include "base/error.h"
#include "sql/names.h"
#include "sql/statement.h"

namespace yellow::access {
namespace {

constexpr int kEndAttempts = 500;
constexpr std::chrono::milliseconds kEndPause{10};

}  // namespace

base::Secret PasswordOfLogin(const base::Secret& of_service, const std::string& request, ports::Entropy& entropy) {
  if (of_service.empty()) return entropy.Password();
  return base::Secret(base::HmacSha256Hex(of_service.Reveal(), "yellow-temporary-login-v1\n" + request));
}

TemporaryLogin::TemporaryLogin(ports::Session& session, const std::string& role_prefix, std::string request)
    : session_(session), name_(sql::Roles(role_prefix).TemporaryLogin(request)), request_(std::move(request)) {}

void TemporaryLogin::Open(const base::Secret& password, ports::Connector& connector) {
  session_.Execute({"SELECT yellow_sec.tmp_open($1, $2)", {request_, connector.ScramVerifier(password)}});
}

int TemporaryLogin::Quiesce(ports::Clock& clock) {
  session_.Execute({"SELECT yellow_sec.tmp_disable($1)", {request_}});
  int most = 0;
  for (int attempt = 0;; ++attempt) {
    const auto left = static_cast<int>(session_.Execute({"SELECT yellow_sec.tmp_end($1)", {request_}}).Integer(0, 0));
    most = std::max(most, left);
    if (left == 0) break;
    if (attempt == kEndAttempts)
      throw base::Error("quiesce", "sessions of the temporary login do not end: " + name_).Retryable();
    clock.Sleep(kEndPause);
  }
  RollBackPrepared();
  return most;
}

void TemporaryLogin::RollBackPrepared() {
  const ports::Rows prepared = session_.Execute({"SELECT yellow_sec.tmp_prepared($1)", {request_}});
  if (prepared.empty()) return;
  session_.Execute("SET ROLE " + sql::Identifier::Quote(name_).text());
  for (size_t i = 0; i < prepared.size(); ++i)
    session_.Execute("ROLLBACK PREPARED " + sql::Literal(prepared.Text(i, 0)));
  session_.Execute("RESET ROLE");
}

void TemporaryLogin::Drop() { session_.Execute({"SELECT yellow_sec.tmp_drop($1)", {request_}}); }

}  // namespace yellow::access
