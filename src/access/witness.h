#pragma once

#include <memory>
#include <string>

#include "access/flags.h"
#include "access/recording_facts.h"
#include "ports/cluster_access.h"
#include "ports/database.h"
#include "ports/recorder.h"
#include "ports/session_proxy.h"

namespace yellow::access {

/// Records what a session asks of a server: whole, sealed; and what the audit log keeps of it. What cannot be recorded
/// does not go on.
class Witness : public ports::WireSink, public ports::ClusterSink {
 public:
  /// `database`: of Yellow's login for access; `name_space`: the one that a request for a cluster is for.
  Witness(std::unique_ptr<ports::SealedLog> log, std::unique_ptr<ports::Session> database, std::string session,
          FlagRules rules, std::string name_space);

  bool Take(const ports::WireEvent& event) override;
  bool Take(const ports::ClusterEvent& event) override;

  /// Nothing more comes. Throws base::Error. REQUIRES: called once, last.
  RecordingFacts Finish();

 private:
  template <typename Line, typename Fact>
  bool Record(Line line, Fact fact);

  const std::unique_ptr<ports::SealedLog> log_;
  const std::unique_ptr<ports::Session> database_;
  const std::string session_;
  const FlagRules rules_;
  const std::string name_space_;
};

}  // namespace yellow::access
