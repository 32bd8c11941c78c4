#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "access/decide.h"
#include "access/evidence.h"
#include "access/report.h"
#include "access/request.h"
#include "ports/clock.h"
#include "ports/cluster_access.h"
#include "ports/database.h"
#include "ports/entropy.h"
#include "ports/tickets.h"
#include "sql/statement_facts.h"

namespace yellow::access {

/// A merge database with the model that was applied to it last.
struct Place {
  std::string container;
  model::Model model;
  std::set<std::string> workspaces;  ///< that are realised there
  std::set<std::string> stores;      ///< that are ingested there
  /// The tables and views of each scope, by its text.
  std::map<std::string, std::set<sql::NamedRelation>> relations;

  /// Whether what a scope is about is here; machines and clusters are everywhere.
  bool Has(const model::Scope& scope) const;
  std::string RolePrefix() const { return model.environment ? model.environment->role_prefix : "yellow"; }
};

struct Effects {
  ports::Connector& connector;
  ports::Endpoints& endpoints;
  ports::Clock& clock;
  ports::Entropy& entropy;
  ports::Tickets& tickets;
  std::function<void(const std::string&)> report;  ///< a line for the service's log
  ports::FileSystem& files;
  std::string data;    ///< the data folder, in whose `recordings` the sealed files are
  std::string holder;  ///< this process, as ports::Holder
  std::function<bool(const std::string& holder)> may_be_alive;
  /// The merge databases of the installation. May be called by several threads.
  std::function<std::vector<std::shared_ptr<const Place>>()> places;
  /// The cluster of the environment. Throws base::Error.
  std::function<std::unique_ptr<ports::ClusterAccess>()> cluster;
};

/// Why nobody gets what is in a cluster: the environment names none, and none is found. Whether it answers is not
/// asked.
std::optional<Refusal> WhyNoCluster(const Effects& effects, const model::Scope& scope);

template <typename T>
using Result = tl::expected<T, Refusal>;

/// What somebody asks for, or what they change of it.
struct Wanted {
  std::string scope;
  std::optional<int64_t> seconds;
  std::string ticket;
  std::string reason;
  RequestKind kind = RequestKind::kRegular;  ///< that of a request never changes
  std::map<std::string, std::string> parameters = {};
  std::string container = {};  ///< the merge database, where several have what it is about; empty: the first
};

/// A request with what is needed to do something with it.
struct Found {
  std::shared_ptr<const Place> place;
  const model::Person* person;  ///< who calls; of the place's model
  std::string identity;         ///< by which they are known there
  std::unique_ptr<ports::Session> session;
  Request request;
};

/// Where people ask for access, approve, use, give back and review it (SECURITY 3). Whoever calls has made sure who it
/// is: `identity` is os:alice or oidc:alice@example.com. Thread-safe: each call has a session of its own. Throws
/// base::Error when a database does not answer.
class Desk {
 public:
  explicit Desk(Effects effects) : effects_(std::move(effects)) {}

  Result<Request> Ask(const std::string& identity, const Wanted& wanted);
  /// What is empty in `wanted` stays, and so does a parameter that it does not name; every vote is void afterwards.
  Result<Request> Edit(const std::string& identity, const std::string& id, const Wanted& wanted);
  /// `hash`: of the content that is meant, or its first digits.
  Result<Request> Vote(const std::string& identity, const std::string& id, const std::string& hash, bool approves,
                       const std::string& note);
  Result<Request> Withdraw(const std::string& identity, const std::string& id);
  Result<Request> Activate(const std::string& identity, const std::string& id);
  Result<Request> Release(const std::string& identity, const std::string& id);
  Result<Request> Revoke(const std::string& identity, const std::string& id, const std::string& why);
  Result<Request> Review(const std::string& identity, const std::string& id, bool accepts, const std::string& sentence);

  Result<std::vector<Request>> List(const std::string& identity);
  /// The requests that were asked for on these days, both included, the oldest first; days as 2026-01-31, in UTC.
  /// Who reads it is recorded.
  Result<std::vector<ReportLine>> Report(const std::string& identity, const std::string& from, const std::string& to);
  Result<Request> Show(const std::string& identity, const std::string& id);
  /// What was stated under a request: facts as the audit log has them, JSON objects in order.
  /// Who reads them is recorded.
  Result<std::vector<Statement>> Statements(const std::string& identity, const std::string& id);
  /// The sealed files of its sessions, of those that have ended.
  Result<std::vector<Evidence>> ListEvidence(const std::string& identity, const std::string& id);
  /// One of them, `what` as in Evidence, to somebody who may read it. That it is given is recorded before; when it
  /// cannot be, it is not given.
  Result<GivenFile> GiveEvidence(const std::string& identity, const std::string& id, const std::string& session,
                                 const std::string& what);
  Result<Found> Find(const std::string& identity, const std::string& id) const;
  /// What this person may ask for.
  Result<std::vector<model::Scope>> Scopes(const std::string& identity);

 private:
  /// A session whose records carry this identity.
  std::unique_ptr<ports::Session> Open(const Place& place, const std::string& identity) const;
  std::optional<Refusal> IsInOnePlace(const Wanted& wanted) const;
  std::optional<Refusal> AskTicketSystem(const Place& place, const model::Person& person, const Content& content) const;
  /// Carries out a change in the database; returns the request as it is then, or what the database has refused.
  template <typename Change>
  Result<Request> Do(Found& found, Change change) const;

  Effects effects_;
};

}  // namespace yellow::access
