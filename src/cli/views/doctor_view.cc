#include "cli/views/doctor_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace yellow::cli {
namespace {

using plan::Finding;
using plan::Findings;
using plan::Health;

constexpr std::array kGroups{"model",  "server", "clocks", "disk",        "connections", "locks",  "roles",
                             "grants", "logins", "leases", "credentials", "sources",     "notify", "launcher"};
constexpr size_t kSummaryLength = 100;

std::string GroupOf(const Finding& finding) { return finding.key.substr(0, finding.key.find('/')); }

size_t Place(const Finding& finding) {
  return static_cast<size_t>(std::find(kGroups.begin(), kGroups.end(), GroupOf(finding)) - kGroups.begin());
}

const char* Word(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kWarning:
      return "warning";
    case Health::kProblem:
      return "problem";
    case Health::kSkipped:
      return "skipped";
  }
  return "";
}

std::string Indented(const std::string& text) {
  std::string out = "      = ";
  for (const char letter : text) out += letter == '\n' ? std::string("\n        ") : std::string(1, letter);
  return out + "\n";
}

std::string Count(size_t number, const char* one, const char* many) {
  return fmt::format("{} {}", number, number == 1 ? one : many);
}

/// What is well in a group, in few words.
std::string Summary(const Findings& findings) {
  std::vector<std::string> texts;
  for (const Finding& finding : findings) {
    if (finding.health != Health::kOk || finding.text.empty()) continue;
    if (std::find(texts.begin(), texts.end(), finding.text) == texts.end()) texts.push_back(finding.text);
  }
  std::string joined = fmt::format("{}", fmt::join(texts, ", "));
  return joined.empty() || joined.size() > kSummaryLength ? Count(findings.size(), "check", "checks") : joined;
}

/// What could not be looked at for one reason is one line.
std::string Lines(const Findings& findings) {
  std::string out;
  for (size_t i = 0; i < findings.size(); ++i) {
    const Finding& finding = findings[i];
    if (finding.health == Health::kOk) continue;
    size_t alike = 1;
    while (finding.health == Health::kSkipped && i + alike < findings.size() &&
           findings[i + alike].health == Health::kSkipped && findings[i + alike].text == finding.text) {
      ++alike;
    }
    out += fmt::format("    {} {}{}: {}\n", Word(finding.health), finding.key,
                       alike > 1 ? fmt::format(" and {} more", alike - 1) : "", finding.text);
    if (!finding.remedy.empty()) out += Indented(finding.remedy);
    i += alike - 1;
  }
  return out;
}

std::string Group(const std::string& name, const Findings& findings) {
  std::array<size_t, 4> counts{};
  for (const Finding& finding : findings) ++counts[static_cast<size_t>(finding.health)];
  Health worst = counts[0] == findings.size() ? Health::kOk : Health::kSkipped;
  if (counts[static_cast<size_t>(Health::kWarning)] > 0) worst = Health::kWarning;
  if (counts[static_cast<size_t>(Health::kProblem)] > 0) worst = Health::kProblem;
  const std::string summary = worst == Health::kOk ? Summary(findings)
                                                   : fmt::format("{} of {}", findings.size() - counts[0],
                                                                 Count(findings.size(), "check", "checks"));
  return fmt::format("{:<8} {:<12} {}\n", Word(worst), name, summary) + Lines(findings);
}

}  // namespace

Findings Ordered(Findings findings) {
  // A container that is read and merged into is looked at twice; the first look is the closer one.
  std::set<std::string> seen;
  std::erase_if(findings, [&](const Finding& finding) { return !seen.insert(finding.key).second; });
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return Place(a) < Place(b); });
  return findings;
}

std::string DoctorText(const Findings& findings) {
  std::string out;
  std::array<size_t, 4> counts{};
  for (size_t i = 0; i < findings.size();) {
    Findings group;
    const std::string name = GroupOf(findings[i]);
    for (; i < findings.size() && GroupOf(findings[i]) == name; ++i) {
      group.push_back(findings[i]);
      ++counts[static_cast<size_t>(findings[i].health)];
    }
    out += Group(name, group);
  }
  const auto [ok, warnings, problems, skipped] = counts;
  std::vector<std::string> parts;
  if (problems > 0) parts.push_back(Count(problems, "problem", "problems"));
  if (warnings > 0) parts.push_back(Count(warnings, "warning", "warnings"));
  if (skipped > 0) parts.push_back(fmt::format("{} could not be made", skipped));
  return out + "\n" + Count(findings.size(), "check", "checks") + ": " +
         (parts.empty() ? "all well" : fmt::format("{}", fmt::join(parts, ", "))) + "\n";
}

const Record<Finding>& DoctorRecord() {
  static const Record<Finding> record =
      Record<Finding>()
          .Field("key", "The check: its group, and what it looked at.", &Finding::key)
          .Word("state", "skipped: it could not be looked at.", {"ok", "warning", "problem", "skipped"},
                [](const Finding& it) { return Word(it.health); })
          .Reason(
              "reason", "What is wrong, or why it could not be looked at.",
              [](const Finding& it) { return it.health == Health::kOk ? "" : it.code; }, &Finding::text)
          .TextOrNull("found", "What was found, where there is something to say.", &Finding::text)
          .TextOrNull("remedy", "What helps.", &Finding::remedy);
  return record;
}

}  // namespace yellow::cli
