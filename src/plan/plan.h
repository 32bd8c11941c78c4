#pragma once

#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "plan/desired.h"

namespace yellow::plan {

/// One step of apply: one transaction, with its reason.
struct Step {
  std::string kind;     ///< create schema, create table, add column, widen column, create view, …
  std::string address;  ///< what it is about: `dp_main.shop__customers`
  std::string reason;
  bool destroys = false;  ///< data is lost; needs --allow-destroy
  bool as_owner = true;   ///< as yellow_owner; else as the migrator, who may call yellow_sec
  std::vector<std::string> statements;
};

struct Plan {
  std::vector<Step> steps;
  int schema_version = 0;         ///< of Yellow's own schema as it was found; apply first brings it to this program's
  bool new_model = false;         ///< the model differs from the newest applied one
  int base_version = 0;           ///< the applied model that it was made against
  std::string model_digest;       ///< of the files
  base::Diagnostics diagnostics;  ///< what cannot be done; nothing is applied while there is an error

  bool migrates() const;
  bool empty() const { return steps.empty() && !migrates() && !new_model; }
};

/// The steps from `observed` to `desired`, in the order in which they can be taken. Pure; the same input gives the same
/// plan.
Plan Difference(const Desired& desired, const Observed& observed, const std::string& model_digest);

/// `+ create table dp_main.shop__customers    Shop.customers has a consumer`, a line a step.
std::string ToText(const Plan& plan);

/// What a saved plan must still match: base version, model and steps.
std::string Fingerprint(const Plan& plan);

/// Digest by which Yellow knows its own view again.
std::string ViewDigest(const View& view);

}  // namespace yellow::plan
