#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plan/finding.h"
#include "ports/servers.h"
#include "run/context.h"
#include "run/observe.h"

/// What `yellow doctor` looks at. Everything is looked at whatever else is broken, nothing is changed: each question is
/// a read-only transaction of its own, and one that fails is a finding that says why. plan/doctor_*.h judge what was
/// found. Nothing here throws base::Error.
namespace yellow::run {

/// A merge database and who owns it.
struct MergePlace {
  ports::ConnectionInfo info;
  std::string prefix;                 ///< of its roles
  plan::Administrator administrator;  ///< of its server
};

/// Yellow's own logins at a merge database, each tried.
struct Logins {
  plan::Findings findings;
  std::unique_ptr<ports::Session> session;  ///< of one that may read everything of Yellow's; none: nobody was let in
};
Logins TryLogins(const Effects& effects, const MergePlace& place);

/// The newest applied model, as far as it can be read; `digest` is that of the files.
struct FoundModel {
  plan::Findings findings;
  std::optional<StoredModel> stored;
};
FoundModel FindModel(ports::Session& session, const MergePlace& place, const std::string& digest);

/// The server of a merge database: what it is, its clock, its connections and locks. `limits`: the environment's.
plan::Findings ExamineServer(const Effects& effects, ports::Session& session, const MergePlace& place,
                             const model::Environment& limits);

/// Roles, grants, logins of runs and leases, against the model that was applied; without one, against what bootstrap
/// makes.
plan::Findings ExamineAccess(const Effects& effects, ports::Session& session, const MergePlace& place,
                             const Applied* applied);

/// The disk under the server, if it is this machine's, and under `data`, the data folder of the project.
plan::Findings ExamineDisks(const Effects& effects, ports::Session* session, const MergePlace& place);
plan::Finding ExamineDataFolder(const Effects& effects, const std::string& data);

/// The credentials of what `model` reads, the servers of its sources, and every table and column that has a consumer.
plan::Findings ExamineSources(const Effects& effects, const model::Model& model,
                              const std::vector<plan::Stream>& streams);

/// The credentials that the code of transformers is given.
plan::Findings ExamineHandedOn(const Effects& effects, const model::Model& model,
                               const model::Environment& environment);

/// Whether the code of transformers is kept from what is Yellow's.
plan::Finding ExamineLauncher(const Effects& effects, const Actor& actor, const model::Model& model,
                              const model::Environment& environment);

}  // namespace yellow::run
