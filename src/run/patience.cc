#include "run/patience.h"

#include <algorithm>
#include <string>

namespace yellow::run {
namespace {

constexpr std::chrono::milliseconds kFirst{100}, kLongest{5000};

}  // namespace

bool Patience::Wait() {
  const ports::TimePoint now = clock_.Now();
  if (!since_) since_ = now;
  if (now - *since_ >= limit_) return false;
  const int64_t chance = std::stol(entropy_.Hex(4), nullptr, 16);  // 0 to 65535
  clock_.Sleep(std::chrono::milliseconds(pause_.count() / 2 + pause_.count() * chance / 65536));
  pause_ = std::min(pause_ * 2, kLongest);
  return true;
}

std::chrono::seconds RetryLimit(const Applied& applied) {
  const model::Environment* environment = applied.model.environment ? &*applied.model.environment : nullptr;
  return std::chrono::seconds(environment == nullptr ? model::Environment{}.retry.seconds : environment->retry.seconds);
}

bool Again(const Effects& effects, Patience& patience, const std::string& what, const base::Error& error) {
  if (!patience.waiting()) effects.reporter.Line(what + ": " + error.what() + "; trying again");
  return patience.Wait();
}

void Patience::Renew() {
  since_.reset();
  pause_ = kFirst;
}

}  // namespace yellow::run
