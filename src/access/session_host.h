#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "access/desk.h"
#include "access/session_program.h"
#include "access/store.h"
#include "ports/files.h"
#include "ports/recorder.h"
#include "ports/session_proxy.h"

namespace yellow::access {

/// Hosts the terminal sessions of people whose requests are active: psql or a shell in a recorder, which reaches the
/// database or the cluster of its scope through a proxy that alone has the credential. What is asked of the server is
/// in the audit log, and whole in a sealed file beside the recording, before the server gets it. A session ends with
/// the request, and all that was started in it ends with the session. Thread-safe.
class SessionHost {
 public:
  struct Parts {
    ports::Recorder& recorder;
    ports::SessionProxies& proxies;
    ports::FileSystem& files;
    std::string data;     ///< the data folder, in whose `recordings` they are
    std::string sockets;  ///< where the sessions' sockets are, each in a folder of its own; a short path
  };

  SessionHost(Effects effects, Parts parts) : effects_(std::move(effects)), parts_(std::move(parts)) {}

  /// A session that may begin.
  struct Admitted {
    std::shared_ptr<const Place> place;
    std::string identity;  ///< of who begins it
    Request request;
    model::Scope scope;
    std::vector<std::string> recipients;
    SessionProgram program;
    TerminalWords terminal;
  };
  /// Whether this person may begin a session under this request now. Nothing is done yet.
  Result<Admitted> Admit(const Found& found, SessionProgram program, const TerminalWords& terminal) const;
  /// Runs it until its end, for who is at the other end of `socket`; tells them what is in the way.
  void Run(const Admitted& admitted, int socket);
  /// Ends all sessions, and lets none begin.
  void Stop() { stop_ = true; }

 private:
  class Session;

  base::Secret PasswordOf(ports::Session& session, const Place& place, const std::string& request);
  void ForgetPassword(const std::string& request);

  const Effects effects_;
  const Parts parts_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::map<std::string, base::Secret> passwords_;  // of requests whose login this process has opened
};

}  // namespace yellow::access
