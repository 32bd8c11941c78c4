#pragma once

#include <string>

#include "model/model.h"
#include "plan/physical.h"
#include "ports/clock.h"
#include "ports/container.h"
#include "ports/database.h"
#include "ports/entropy.h"
#include "ports/files.h"
#include "ports/mail.h"
#include "ports/process.h"
#include "ports/secrets.h"
#include "ports/webhook.h"

namespace yellow::run {

class NextRun;

/// What is under way, for people who wait: `Shop: reads customers`, the first of two, so many rows by now.
struct Activity {
  std::string who;
  std::string what;
  int number = 0, of = 0;  ///< 0: it is not one of several
  int64_t rows = 0;
};

/// Says what happens, one line an event, to a person or a log. Never given a secret.
class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void Line(const std::string& text) = 0;
  /// Something long begins, or has come further. A reporter that nobody waits for leaves it out.
  virtual void UnderWay(const Activity&) {}
  /// It is over, however it ended.
  virtual void Over() {}
};

/// Work during which a reporter may be told what is under way.
class Busy {
 public:
  explicit Busy(Reporter& reporter) : reporter_(reporter) {}
  ~Busy() { reporter_.Over(); }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  Reporter& reporter_;
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
  ports::ContainerEngines& containers;
  ports::Webhook& webhook;
  ports::Mailer& mailer;
  Reporter& reporter;
  /// Of runs. Set under `serve`, whose runs begin at short notice: they prepare with several threads, too.
  NextRun* next_run = nullptr;
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
  std::string job = {};  ///< what another scheduler calls the job that this process is; empty: it is none
};

}  // namespace yellow::run
