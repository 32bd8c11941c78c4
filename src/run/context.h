#pragma once

#include <string>

#include "model/model.h"
#include "plan/physical.h"
#include "ports/clock.h"
#include "ports/database.h"
#include "ports/entropy.h"
#include "ports/files.h"
#include "ports/process.h"
#include "ports/secrets.h"
#include "ports/webhook.h"

namespace yellow::run {

/// Says what happens, one line an event, to a person or a log. Never given a secret.
class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void Line(const std::string& text) = 0;
};

/// The effects that the executors act through.
struct Effects {
  ports::Connector& connector;
  ports::Endpoints& endpoints;
  ports::Clock& clock;
  ports::Entropy& entropy;
  ports::FileSystem& files;
  ports::SecretStore& secrets;
  ports::ProcessLauncher& processes;
  ports::Webhook& webhook;
  Reporter& reporter;
};

/// The applied model that everything of one tick works on.
struct Applied {
  int version = 0;
  std::string digest;
  std::string data_folder;     ///< of the project on this machine: logs of runs
  std::string project_folder;  ///< on this machine: virtual environments beside code
  bool rehearsal = false;      ///< a scratch copy, in which tests run
  std::map<std::string, std::string> files;
  model::Model model;
  graph::Built graph;
  plan::Physical physical;
};

/// Who acts: `host:pid:start`, unique among processes that live, and the person for events.
struct Actor {
  std::string holder;
  std::string host;
  std::string person;
};

}  // namespace yellow::run
