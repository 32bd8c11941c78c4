#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/kubernetes/access.h"
#include "adapters/kubernetes/reply.h"

namespace yellow::adapters::kubernetes {

/// Calls of a Kubernetes API server over libcurl, as JSON texts: the caller writes the objects. A connection is kept
/// and used again. Thread-safe. Every call throws ApiError as reply.h says; a call that only reads is never
/// outcome_unknown. `path` begins with a slash and is encoded already (see `Encode`).
class Client {
 public:
  /// Asked a few times a second while a call waits; false breaks it off.
  using GoOn = std::function<bool()>;

  /// `read` reads the token's file again, at most once in ten seconds and after a 401.
  Client(Access access, ReadFile read);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const std::string& name_space() const { return access_.name_space; }

  Reply Get(const std::string& path);
  /// 409 is kExists.
  Reply Create(const std::string& path, const std::string& json);
  /// By JSON merge patch (RFC 7386); one with metadata.resourceVersion is kConflict when somebody else was faster.
  Reply Change(const std::string& path, const std::string& json);
  /// What belongs to the object goes too, a little later. `uid` (may be empty): only if it is still that object, else
  /// kConflict. `grace_seconds`: how long a pod has to end; 0 forgets it, whether or not its node answers.
  Reply Delete(const std::string& path, const std::string& uid, std::optional<int> grace_seconds = std::nullopt);

  /// Follows changes of a collection from a version on (`path` without a query; `query` as `labelSelector=…`, encoded;
  /// may be empty) and hands each to `take`, bookmarks included, until that says false or `go_on` does. kDone: ended by
  /// the caller or, as it does every few minutes, by the server: go on from the last version seen. kTooOld: list anew.
  Outcome Watch(const std::string& path, const std::string& query, const std::string& version,
                const std::function<bool(const WatchEvent&)>& take, const GoOn& go_on);
  /// Hands on the bytes of an answer as they come, as of `…/pods/NAME/log?follow=true`, until they end, `take` says
  /// false or `go_on` does.
  Outcome Stream(const std::string& path, const std::function<bool(std::string_view)>& take, const GoOn& go_on);

  /// A value of a query, percent-encoded.
  static std::string Encode(std::string_view value);

 private:
  struct Call;
  struct Handle;

  std::unique_ptr<Handle> Take();
  void GiveBack(std::unique_ptr<Handle> handle);
  base::Secret Token(bool again);
  /// One exchange; the token is read again and the call made once more when it was refused.
  Reply Exchange(Call& call);
  int Perform(Call& call, const base::Secret& token);

  const Access access_;
  const ReadFile read_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;
  base::Secret token_;
  std::chrono::steady_clock::time_point token_read_{};
};

}  // namespace yellow::adapters::kubernetes
