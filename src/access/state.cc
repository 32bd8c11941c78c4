#include "access/state.h"

#include "base/check.h"

namespace yellow::access {

std::optional<RequestState> Next(RequestState state, RequestEvent event) {
  using S = RequestState;
  using E = RequestEvent;
  const bool waits = state == S::kPending || state == S::kApproved;
  const bool ended = state == S::kExpired || state == S::kRevoked || state == S::kReleased;
  const auto when = [](bool holds, S next) { return holds ? std::optional(next) : std::nullopt; };
  switch (event) {
    case E::kEdited:
      return when(waits, S::kPending);
    case E::kApproved:
      return when(state == S::kPending, S::kApproved);
    case E::kDenied:
      return when(waits, S::kDenied);
    case E::kWithdrawn:
      return when(waits, S::kWithdrawn);
    case E::kLapsed:
      return when(waits, S::kLapsed);
    case E::kActivated:
      return when(state == S::kApproved, S::kActive);
    case E::kExpired:
      return when(state == S::kActive, S::kExpired);
    case E::kRevoked:
      return when(state == S::kActive, S::kRevoked);
    case E::kReleased:
      return when(state == S::kActive, S::kReleased);
    case E::kDisabled:
      return when(ended, S::kDisabled);
    case E::kDropped:
      return when(state == S::kDisabled, S::kDropped);
    case E::kReviewOpened:
      return when(state == S::kDropped, S::kInReview);
    case E::kAccepted:
      return when(state == S::kInReview, S::kAccepted);
    case E::kEscalated:
      return when(state == S::kInReview, S::kEscalated);
  }
  YELLOW_CHECK(false);
}

std::string_view Word(RequestState state) {
  switch (state) {
    case RequestState::kPending:
      return "pending";
    case RequestState::kApproved:
      return "approved";
    case RequestState::kActive:
      return "active";
    case RequestState::kExpired:
      return "expired";
    case RequestState::kRevoked:
      return "revoked";
    case RequestState::kReleased:
      return "released";
    case RequestState::kDisabled:
      return "disabled";
    case RequestState::kDropped:
      return "dropped";
    case RequestState::kInReview:
      return "in_review";
    case RequestState::kAccepted:
      return "accepted";
    case RequestState::kEscalated:
      return "escalated";
    case RequestState::kDenied:
      return "denied";
    case RequestState::kWithdrawn:
      return "withdrawn";
    case RequestState::kLapsed:
      return "lapsed";
  }
  YELLOW_CHECK(false);
}

std::string_view Word(RequestEvent event) {
  switch (event) {
    case RequestEvent::kEdited:
      return "edited";
    case RequestEvent::kApproved:
      return "approved";
    case RequestEvent::kDenied:
      return "denied";
    case RequestEvent::kWithdrawn:
      return "withdrawn";
    case RequestEvent::kLapsed:
      return "lapsed";
    case RequestEvent::kActivated:
      return "activated";
    case RequestEvent::kExpired:
      return "expired";
    case RequestEvent::kRevoked:
      return "revoked";
    case RequestEvent::kReleased:
      return "released";
    case RequestEvent::kDisabled:
      return "disabled";
    case RequestEvent::kDropped:
      return "dropped";
    case RequestEvent::kReviewOpened:
      return "review_opened";
    case RequestEvent::kAccepted:
      return "accepted";
    case RequestEvent::kEscalated:
      return "escalated";
  }
  YELLOW_CHECK(false);
}

std::optional<RequestState> RequestStateOf(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(RequestState::kLapsed); ++i)
    if (Word(static_cast<RequestState>(i)) == word) return static_cast<RequestState>(i);
  return std::nullopt;
}

bool MayHaveLogin(RequestState state) {
  switch (state) {
    case RequestState::kActive:
    case RequestState::kExpired:
    case RequestState::kRevoked:
    case RequestState::kReleased:
    case RequestState::kDisabled:
      return true;
    case RequestState::kPending:
    case RequestState::kApproved:
    case RequestState::kDropped:
    case RequestState::kInReview:
    case RequestState::kAccepted:
    case RequestState::kEscalated:
    case RequestState::kDenied:
    case RequestState::kWithdrawn:
    case RequestState::kLapsed:
      return false;
  }
  YELLOW_CHECK(false);
}

}  // namespace yellow::access
