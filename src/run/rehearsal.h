#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "plan/table_difference.h"
#include "plan/test_cases.h"
#include "ports/servers.h"
#include "run/context.h"

namespace yellow::run {

/// Why a case has no output to compare: the fixture cannot be read, or the run failed.
struct RehearsalFailure {
  std::string code, reason;
  std::string log;  ///< what the code printed
};

/// Secrets of rehearsals, so that tests mean the same everywhere and no real one is near them: user and password are
/// the credential's name, the token too. Files under `folder` are read.
class RehearsalSecrets : public ports::SecretStore {
 public:
  RehearsalSecrets(ports::SecretStore& real, std::string own_credential)
      : real_(real), own_credential_(std::move(own_credential)) {}
  ports::CredentialValue Read(const std::string& credential, const model::SecretSource& source) override;
  base::Secret ReadUrl(const model::WebhookUrl& place) override;

 private:
  ports::SecretStore& real_;
  std::string own_credential_;
};

/// One transformer in a scratch database (plan/rehearsal.h) that holds a source, which fixtures fill, and what plan and
/// apply make of the model. Cases run one after the other, each from nothing, by the same
/// batch and run as ever.
class Rehearsal {
 public:
  /// Applies the model. `applied.model` is plan::Rehearsal's; `effects.endpoints` are `servers`, prepared as scratch.
  Rehearsal(const Effects& effects, ports::Servers& servers, const Actor& actor, const Applied& applied);

  /// The output's datasets that `test` expects, as text, by name; with the expected rows as the same types' text.
  struct Tables {
    plan::TableRows expected, actual;
  };
  using Result = std::variant<std::map<std::string, Tables>, RehearsalFailure>;
  Result Run(const plan::TestCase& test);

 private:
  void MakeSourceTables();
  void Remember();
  void Reset();
  void Fill(const plan::TestCase& test);
  void SeedOwnOutput(const model::DatasetAddress& address, const plan::Fixture& fixture);
  std::optional<RehearsalFailure> Ingest();
  std::optional<RehearsalFailure> Transform();
  Tables Read(const std::string& dataset, const plan::Fixture& fixture);

  const Effects& effects_;
  const Actor& actor_;
  const Applied& applied_;
  const plan::Transformer& transformer_;
  std::string restore_;                      ///< statements that put Yellow's own state back
  std::unique_ptr<ports::Session> session_;  ///< as the superuser of the private cluster
};

}  // namespace yellow::run
