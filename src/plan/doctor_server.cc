#include "plan/doctor_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sql/statement.h"

namespace yellow::plan {
namespace {

constexpr int kOldestVersion = 150000;
constexpr double kClockSeconds = 5;
constexpr uint64_t kGiB = uint64_t{1} << 30;

Finding Version(const ServerFacts& facts) {
  const std::string key = "server/" + facts.container + "/version", shown = "PostgreSQL " + facts.shown;
  if (facts.version >= kOldestVersion) return Well(key, shown);
  return {key, facts.merge ? Health::kProblem : Health::kWarning, "server.too_old",
          facts.merge ? shown + ": Yellow needs 15 or later" : shown + ": Yellow is tried with 15 and later",
          "upgrade the server"};
}

Finding Encoding(const ServerFacts& facts) {
  const std::string key = "server/" + facts.container + "/encoding";
  if (facts.encoding == "UTF8") return Well(key, facts.encoding);
  if (facts.merge)
    return {key, Health::kProblem, "server.encoding",
            "the database is in " + facts.encoding + ", which cannot hold every text that a source may have",
            "make the merge database anew: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'"};
  if (facts.encoding != "SQL_ASCII") return Well(key, facts.encoding);
  return {key, Health::kWarning, "server.encoding",
          "the database does not know the encoding of its texts (SQL_ASCII); those that are no UTF-8 are held",
          "set on_bad_rows: quarantine, or let its owner move it to a known encoding"};
}

Finding Collation(const ServerFacts& facts, const Administrator& administrator, const std::string& database) {
  const std::string key = "server/" + facts.container + "/collation";
  if (facts.collation.empty() || facts.collation == facts.collation_now) return Well(key, facts.locale);
  const std::string name = sql::Quoted(database);
  return {key, Health::kWarning, "server.collation",
          fmt::format("the database was made with version {} of the locale {}, the system now has {}: indexes on texts "
                      "may be out of order",
                      facts.collation, facts.locale, facts.collation_now.empty() ? "none" : facts.collation_now),
          administrator.Remedy("REINDEX DATABASE " + name) + "\n" +
              administrator.Remedy("ALTER DATABASE " + name + " REFRESH COLLATION VERSION")};
}

Finding Durability(const ServerFacts& facts, const Administrator& administrator) {
  const std::string key = "server/" + facts.container + "/durability";
  if (facts.unsafe.empty()) return Well(key, "what is committed survives a crash");
  Verdict verdict;
  for (const std::string& setting : facts.unsafe) {
    verdict.Add(Health::kProblem, "server.durability", setting + ": a crash may lose what was committed",
                administrator.Remedy("ALTER SYSTEM SET " + setting.substr(0, setting.find(' ')) + " = on"));
  }
  verdict.remedy += "\n" + administrator.Remedy("SELECT pg_reload_conf()");
  return verdict.For(key);
}

Finding ClockOf(const ServerFacts& facts) {
  const std::string key = "clocks/" + facts.container;
  if (std::abs(facts.clock_ahead) - facts.clock_doubt <= kClockSeconds) return Well(key);
  return {key, Health::kWarning, "clock.apart",
          fmt::format("the clock of the server is {:.0f} s {} this machine's", std::abs(facts.clock_ahead),
                      facts.clock_ahead > 0 ? "ahead of" : "behind"),
          "let both follow the same time servers: schedules, leases and the times of batches depend on them"};
}

std::string Sentence(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, "; ")); }

std::string EndSession(const Administrator& administrator, const SessionName& session) {
  return administrator.Remedy("SELECT pg_terminate_backend(" + std::to_string(session.pid) + ")");
}

Finding Waiting(const LockFacts& facts, const Administrator& administrator) {
  const std::string key = "locks/" + facts.container + "/waiting";
  std::vector<std::string> parts, remedies;
  for (const WaitingLock& lock : facts.waiting) {
    if (lock.seconds < kPatienceSeconds) continue;
    std::string part = fmt::format("{} waits for {} since {:.0f} s", ToString(lock.session), lock.object, lock.seconds);
    for (size_t i = 0; i < lock.blockers.size(); ++i) {
      part += (i == 0 ? ", which is held by " : " and ") + ToString(lock.blockers[i]);
      const std::string remedy = EndSession(administrator, lock.blockers[i]);
      if (std::find(remedies.begin(), remedies.end(), remedy) == remedies.end()) remedies.push_back(remedy);
    }
    parts.push_back(std::move(part));
  }
  if (parts.empty()) return Well(key);
  remedies.insert(remedies.begin(), "let who holds it end, or end it:");
  return {key, Health::kWarning, "locks.waiting", Sentence(parts), fmt::format("{}", fmt::join(remedies, "\n"))};
}

Finding Idle(const LockFacts& facts, const Administrator& administrator) {
  const std::string key = "locks/" + facts.container + "/idle";
  std::vector<std::string> parts, remedies{"commit there, or end it:"};
  for (const IdleTransaction& idle : facts.idle) {
    if (idle.seconds < kPatienceSeconds) continue;
    parts.push_back(fmt::format("{} is idle in a transaction since {:.0f} s{}", ToString(idle.session), idle.seconds,
                                idle.holds_back ? ", and what was deleted since then cannot be cleaned up" : ""));
    remedies.push_back(EndSession(administrator, idle.session));
  }
  if (!parts.empty())
    return {key, Health::kWarning, "locks.idle", Sentence(parts), fmt::format("{}", fmt::join(remedies, "\n"))};
  if (!facts.why_no_sessions.empty()) {
    return Skipped(key, facts.why_no_sessions, "yellow bootstrap, by a superuser, lets Yellow see for how long");
  }
  return Well(key);
}

Finding Prepared(const LockFacts& facts, const Administrator& administrator) {
  const std::string key = "locks/" + facts.container + "/prepared";
  std::vector<std::string> parts, remedies{"commit it as its owner, or:"};
  for (const PreparedTransaction& prepared : facts.prepared) {
    if (prepared.seconds < kPatienceSeconds) continue;
    parts.push_back(fmt::format("the prepared transaction {} of {} keeps its locks since {:.0f} s", prepared.name,
                                prepared.owner, prepared.seconds));
    remedies.push_back(administrator.Remedy("ROLLBACK PREPARED " + sql::Literal(prepared.name)));
  }
  if (parts.empty()) return Well(key);
  return {key, Health::kWarning, "locks.prepared", Sentence(parts), fmt::format("{}", fmt::join(remedies, "\n"))};
}

}  // namespace

Findings JudgeServer(const ServerFacts& facts, const Administrator& administrator, const std::string& database) {
  Findings findings{Version(facts), Encoding(facts)};
  if (facts.merge) {
    findings.push_back(Collation(facts, administrator, database));
    findings.push_back(Durability(facts, administrator));
  }
  findings.push_back(ClockOf(facts));
  return findings;
}

Finding JudgeConnections(const ConnectionFacts& facts) {
  const std::string key = "connections/" + facts.container;
  const auto too_few = [&](const std::string& text, const std::string& remedy) {
    return Finding{key, Health::kWarning, "connections.few",
                   text + fmt::format(", and limits.connections of the environment wants {}", facts.needed), remedy};
  };
  const std::string or_less = ", or lower limits: {connections: …} in the environment and apply it";
  if (facts.login >= 0 && facts.login < facts.needed)
    return too_few(fmt::format("yellow_engine may have {} connections", facts.login),
                   "raise its CONNECTION LIMIT" + or_less);
  if (facts.database >= 0 && facts.database < facts.needed)
    return too_few(fmt::format("the database may have {} connections", facts.database),
                   "raise its CONNECTION LIMIT" + or_less);
  if (facts.most < facts.needed)
    return too_few(fmt::format("the server gives {} connections", facts.most), "raise max_connections" + or_less);
  const int64_t others = facts.used - facts.own;
  if (facts.most - others < facts.needed)
    return too_few(fmt::format("others have {} of {} connections of the server", others, facts.most),
                   "end some of them, raise max_connections" + or_less);
  return Well(key, fmt::format("{} of {} in use", facts.used, facts.most));
}

std::string Bytes(double bytes) {
  static constexpr const char* kUnits[] = {"bytes", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  const std::string number = unit == 0 || bytes >= 10 ? fmt::format("{:.0f}", bytes) : fmt::format("{:.1f}", bytes);
  return number + " " + kUnits[unit];
}

Finding JudgeDisk(const DiskFacts& facts) {
  const std::string key = "disk/" + facts.name;
  const double free = static_cast<double>(facts.free);
  std::string text =
      fmt::format("{} of {} are free at {}", Bytes(free), Bytes(static_cast<double>(facts.total)), facts.path);
  if (facts.database > 0) text += fmt::format("; the database has {}", Bytes(static_cast<double>(facts.database)));
  if (facts.free < kGiB)
    return {key, Health::kProblem, "disk.full", text, "make room: a server whose disk is full stops"};
  if (facts.free < 5 * kGiB) return {key, Health::kWarning, "disk.low", text, "make room before it is full"};
  if (facts.largest > 0 && facts.free < static_cast<uint64_t>(facts.largest)) {
    return {key, Health::kWarning, "disk.low",
            text + fmt::format(", of which the largest table has {}", Bytes(static_cast<double>(facts.largest))),
            "make room: reading a table anew takes as much again for a while"};
  }
  return Well(key, text);
}

Findings JudgeSpace(const std::string& container, const std::vector<SpaceFacts>& owed, const std::string& migrator,
                    const Administrator& administrator) {
  if (owed.empty()) return {Well("space/" + container, "none of removed rows is owed")};
  Findings findings;
  for (const SpaceFacts& one : owed) {
    std::string text = "rows that were removed under request " + one.request + " at " + one.since +
                       " still lie in the pages of the database",
                remedy;
    if (!one.held_back_by.empty()) {
      text += "; " + one.held_back_by + " may still see them";
      remedy = "end it, if it is not needed: yellow serve does the rest";
    } else {
      remedy = "yellow serve does it where it has the password of " + migrator;
      if (!one.vacuum.empty()) remedy += "; or " + administrator.Remedy(one.vacuum);
      remedy += (one.vacuum.empty() ? "; or " : "\n") + administrator.Remedy(one.record);
    }
    findings.push_back({"space/" + container + "/" + one.request, Health::kWarning, "space.owed", text, remedy});
  }
  return findings;
}

std::string ToString(const SessionName& session) {
  std::string text = fmt::format("pid {}", session.pid);
  if (!session.user.empty()) text += ", " + session.user;
  if (!session.application.empty()) text += " (" + session.application + ")";
  return text;
}

Findings JudgeLocks(const LockFacts& facts, const Administrator& administrator) {
  return {Waiting(facts, administrator), Idle(facts, administrator), Prepared(facts, administrator)};
}

}  // namespace yellow::plan
