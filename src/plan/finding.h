#pragma once

#include <optional>
#include <string>
#include <vector>

/// What `yellow doctor` says: facts that were gathered (run/doctor), judged by pure functions (doctor_*.h).
namespace yellow::plan {

enum class Health {
  kOk,
  kWarning,  ///< nothing stops, but somebody should look
  kProblem,
  kSkipped  ///< it could not be looked at; the text says why
};

/// The outcome of one check.
struct Finding {
  std::string key;  ///< stable: `grants/MergeDB/ws_analysts.now__shop__customers`; its first part is the group
  Health health = Health::kOk;
  std::string code;  ///< stable word; empty when all is well
  std::string text;  ///< what was found; may be empty when all is well
  std::string remedy;
  bool operator==(const Finding&) const = default;
};

using Findings = std::vector<Finding>;

/// What was asked for, or why it is not known.
template <typename Facts>
struct Answer {
  std::optional<Facts> facts;
  std::string why_not;
};

inline Finding Well(std::string key, std::string text = "") {
  return {std::move(key), Health::kOk, "", std::move(text), ""};
}

inline Finding Skipped(std::string key, std::string why, std::string remedy = "") {
  return {std::move(key), Health::kSkipped, "not_seen", std::move(why), std::move(remedy)};
}

/// The outcome that several checks of one thing have together: the worst one, with all that is wrong.
struct Verdict {
  Health health = Health::kOk;
  std::string code, text, remedy;

  void Add(Health found, const std::string& code_, const std::string& text_, const std::string& remedy_) {
    if (health == Health::kOk || found == Health::kProblem) health = found;
    if (code.empty()) code = code_;
    text += (text.empty() ? "" : "; ") + text_;
    if (remedy.find(remedy_) == std::string::npos) remedy += (remedy.empty() ? "" : "\n") + remedy_;
  }
  Finding For(std::string key) const { return {std::move(key), health, code, text, remedy}; }
};

/// How an administrator of a server does something by SQL, as a command or a sentence.
struct Administrator {
  std::string psql;  ///< the command that opens the database as one; empty where Yellow has none
  std::string Remedy(const std::string& sql) const;
};

}  // namespace yellow::plan
