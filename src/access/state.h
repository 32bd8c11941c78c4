#pragma once

#include <optional>
#include <string_view>

namespace yellow::access {

/// States of a request and what happens to it (SECURITY 3). The words are those of yellow_access.request.state.
enum class RequestState {
  kPending,
  kApproved,
  kActive,
  kExpired,
  kRevoked,
  kReleased,
  kDisabled,
  kDropped,
  kInReview,
  kAccepted,
  kEscalated,
  kDenied,
  kWithdrawn,
  kLapsed
};
enum class RequestEvent {
  kEdited,
  kApproved,
  kDenied,
  kWithdrawn,
  kLapsed,
  kActivated,
  kExpired,
  kRevoked,
  kReleased,
  kDisabled,
  kDropped,
  kReviewOpened,
  kAccepted,
  kEscalated
};

/// The state after an event, or nothing when the event cannot happen there.
std::optional<RequestState> Next(RequestState state, RequestEvent event);
std::string_view Word(RequestState state);
std::string_view Word(RequestEvent event);
std::optional<RequestState> RequestStateOf(std::string_view word);

/// True when its login could let somebody in, or has not been taken away yet.
bool MayHaveLogin(RequestState state);

}  // namespace yellow::access
