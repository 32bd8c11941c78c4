#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/model.h"
#include "ports/secrets.h"

namespace yellow::ports {

/// A job in a container. It runs as no root, with a root file system that it cannot write to and a /tmp that goes with
/// it, without capabilities and without a way to get any.
struct ContainerSpec {
  std::string name;                                ///< unique on the engine; who starts it twice has one container
  std::string image;                               ///< pinned to a digest, and there
  std::vector<std::string> command;                ///< instead of the image's own entry point, unless empty
  std::vector<std::string> arguments;              ///< after it
  std::map<std::string, std::string> environment;  ///< holds secrets: reaches the engine only, in the body of a request
  std::map<std::string, std::string> labels;       ///< holds none
  std::map<std::string, std::string> mounts;  ///< place in the container -> file or folder of this machine; read-only
  /// Place in the container -> content; read-only, for engines elsewhere. Holds secrets, as the environment does.
  std::map<std::string, std::string> files;
  std::string network;  ///< of the engine; `none`
  model::Resources limits;
  int64_t limit_seconds = 0;  ///< an engine that can ends it by itself after this time; 0: never
  std::string account;        ///< of a cluster, as which it may ask its API; empty: as nobody
};

/// What an engine says of a container.
struct ContainerState {
  std::string id;  ///< of this one among all that had or will have its name; empty where an engine does not say
  bool started = false;
  bool running = false;
  int exit_status = 0;
  bool out_of_memory = false;  ///< it took more than its limit, and was killed for it
  bool killed = false;         ///< by SIGKILL, which came neither from Yellow nor from a lack of memory
  std::map<std::string, std::string> labels;
  std::string message;  ///< of a cluster: what it wrote to /dev/termination-log

  struct Failure {
    std::string code, reason;
  };
  /// Why it did not begin, or ended for a reason that is not its code's; code `timeout`: after its limit_seconds.
  std::optional<Failure> failure;
};

struct FoundContainer {
  std::string name;
  std::map<std::string, std::string> labels;
};

struct EngineInfo {
  std::string name;     ///< Podman Engine, Docker Engine
  std::string version;  ///< of the engine
  std::string place;    ///< where it answers
};

/// What a container prints is written to a file as it comes, and its end is waited for, by threads of this object.
class ContainerFollower {
 public:
  virtual ~ContainerFollower() = default;
  /// True when it has ended, or is gone: ContainerEngine::Find says which.
  virtual bool Ended() = 0;
  /// Why its code has not begun; empty once it has.
  virtual std::string Pending() { return ""; }
  /// Waits until everything that it has printed is in the file, as long as that may reasonably take. REQUIRES: Ended.
  virtual void Finish() = 0;
};

/// One engine that answers the Docker API on a unix socket, or a Kubernetes cluster, where a container is the pod of a
/// Job. Throws base::Error: code `engine` when it cannot be reached or does not answer, retryable, or does not let us;
/// codes `image_missing`, `image_digest`, `image_pull` and `container` for what it refuses. Thread-safe.
class ContainerEngine {
 public:
  virtual ~ContainerEngine() = default;
  virtual EngineInfo Describe() = 0;
  /// Sees to it that the image is there, unless that is the engine's own business when it starts one. `login`: for its
  /// registry, or null. Breaks off when `go_on` does not hold.
  virtual void Fetch(const std::string& image, const CredentialValue* login, const std::function<bool()>& go_on) = 0;
  /// Makes and starts it. One of this name with these labels is taken for the same, and started if it was not; then
  /// false.
  virtual bool Start(const ContainerSpec& spec) = 0;
  /// Nothing when there is none of this name.
  virtual std::optional<ContainerState> Find(const std::string& name) = 0;
  /// The environment that it was given, whoever started it: holds secrets. Nothing when it is not there any more.
  virtual std::optional<std::map<std::string, std::string>> EnvironmentOf(const std::string& name) = 0;
  /// Writes what it prints, from the first byte on, to `path`, up to `limit` bytes.
  virtual std::unique_ptr<ContainerFollower> Follow(const std::string& name, const std::string& path,
                                                    int64_t limit) = 0;
  /// SIGTERM, and SIGKILL when it has not ended five seconds later; does nothing when it has ended or is gone.
  virtual void Stop(const std::string& name) = 0;
  /// Ends and removes it with what it has written; does nothing when it is gone. `id`, unless empty: only that one.
  virtual void Remove(const std::string& name, const std::string& id) = 0;
  /// Those that have this label, whatever their state.
  virtual std::vector<FoundContainer> List(const std::string& label) = 0;
};

/// Opens engines; nothing is sent before the first call of one.
class ContainerEngines {
 public:
  virtual ~ContainerEngines() = default;
  /// The one of the environment's launcher. Throws base::Error when what it names cannot be read.
  virtual std::unique_ptr<ContainerEngine> Of(const model::Environment& environment) = 0;
};

/// What a registry's refusal means: `image_missing`, it has no image of this name and digest; `image_digest`, it gave
/// another one for the digest; `image_pull`, anything else, retryable unless it has refused the login.
base::Error ImageFailure(const std::string& image, const std::string& message);

}  // namespace yellow::ports
