#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace yellow::adapters::kubernetes {

/// The ordinary answers, which a caller decides upon. Everything else is an ApiError.
enum class Outcome {
  kDone,      ///< 2xx
  kNotFound,  ///< 404
  kExists,    ///< 409 to a create: somebody was first
  kConflict,  ///< 409 to a change: the object is another one by now
  kTooOld,    ///< 410: that version is no longer kept; list anew
};

struct Reply {
  Outcome outcome = Outcome::kDone;
  std::string body;  ///< the object, or the server's Status
};

/// The server refused, or could not. Retryable: 429, 5xx, and a connection that failed; then `retry_after` is what the
/// server asked for, 0 if nothing. A create or change whose answer was lost is outcome_unknown: look whether it
/// happened. 401 and 403 name what was not allowed, 400 and 422 what was wrong, in the server's words.
struct ApiError : base::Error {
  ApiError(const std::string& message, int status_) : Error("kubernetes", message), status(status_) {}
  int status = 0;  ///< 0 when there was no answer
  int retry_after = 0;
  std::string reason;  ///< the server's word: Forbidden, Invalid, …
};

/// True when it said who may what, not how it is.
bool IsRefusal(const ApiError& error);

/// What an HTTP answer means. Throws ApiError. `what` names the call: "create Job".
Reply Classify(const std::string& what, int status, std::string body, int retry_after);

struct WatchEvent {
  enum class Kind { kAdded, kModified, kDeleted, kBookmark };
  Kind kind = Kind::kAdded;
  std::string object;   ///< JSON, without spec and metadata.managedFields
  std::string name;     ///< metadata.name
  std::string version;  ///< metadata.resourceVersion: from here a watch goes on
};

/// One page of a collection; `next` is empty on the last.
struct ListPage {
  std::vector<WatchEvent> items;  ///< each as kAdded
  std::string version;            ///< of the whole: a watch begins here
  std::string next;               ///< asks for the page after this one (`continue=`)
};

/// Throws ApiError when the text is no list.
ListPage ReadList(const std::string& body);

/// Cuts the stream of a watch into events, whatever the pieces in which it comes. Not thread-safe.
class WatchStream {
 public:
  /// A line longer than this is no event: etcd takes objects of 1.5 MB.
  static constexpr size_t kLongestLine = size_t{8} << 20;

  /// Hands each whole event to `take`, until that says false. Returns the outcome that ends the stream: kDone when
  /// `take` wants no more, kTooOld when the server has no such version any more; none to go on. Throws ApiError.
  std::optional<Outcome> Feed(std::string_view bytes, const std::function<bool(const WatchEvent&)>& take);

 private:
  std::string rest_;
};

}  // namespace yellow::adapters::kubernetes
