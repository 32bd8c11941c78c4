#include "adapters/kubernetes/follow.h"

#include <algorithm>
#include <iterator>

namespace yellow::adapters::kubernetes {
namespace {

using std::chrono::milliseconds;

constexpr const char* kPage = "500";
constexpr milliseconds kFirstWait{200};
constexpr milliseconds kLongestWait{20'000};
constexpr int kLongestAsked = 60;
constexpr int kRefusals = 8;         // three quarters of a minute
constexpr milliseconds kSlice{200};  // so that go_on is asked while it waits

struct State {
  std::string version;  // empty: list first
  int failures = 0;
  bool allowed = false;  // it was listed once
};

/// A server that has just begun does not know yet who may what, and refuses what it has allowed before.
bool MayBeAllowedAgain(const ApiError& error, const State& state) {
  return IsRefusal(error) && state.allowed && state.failures < kRefusals;
}

/// False when the pages became too old in between, or nothing is there to list.
bool List(Client& client, const std::string& path, const std::string& query, Listener& listener, State& state) {
  std::vector<WatchEvent> all;
  ListPage page;
  do {
    const Reply reply = client.Get(path + "?limit=" + kPage + (query.empty() ? "" : "&" + query) +
                                   (page.next.empty() ? "" : "&continue=" + Client::Encode(page.next)));
    if (reply.outcome == Outcome::kTooOld) return false;
    if (reply.outcome != Outcome::kDone) throw ApiError("list " + path + ": there is no such collection", 404);
    page = ReadList(reply.body);
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all));
  } while (!page.next.empty());
  listener.Listed(all);
  state.version = page.version;
  state.allowed = true;
  return true;
}

void WatchOnce(Client& client, const std::string& path, const std::string& query, Listener& listener,
               const Client::GoOn& go_on, State& state) {
  const auto take = [&](const WatchEvent& event) {
    if (event.kind != WatchEvent::Kind::kBookmark) listener.Changed(event);
    if (!event.version.empty()) state.version = event.version;
    state.failures = 0;
    return go_on();
  };
  const Outcome outcome = client.Watch(path, query, state.version, take, go_on);
  if (outcome == Outcome::kDone)
    state.failures = 0;
  else
    state.version.clear();
}

void Wait(milliseconds wait, ports::Clock& clock, const Client::GoOn& go_on) {
  for (; wait.count() > 0 && go_on(); wait -= kSlice) clock.Sleep(std::min(wait, kSlice));
}

}  // namespace

milliseconds WaitAfter(int failures, int retry_after_seconds) {
  if (retry_after_seconds > 0) return std::chrono::seconds(std::min(retry_after_seconds, kLongestAsked));
  milliseconds wait = kFirstWait;
  for (int i = 1; i < failures && wait < kLongestWait; ++i) wait *= 2;
  return std::min(wait, kLongestWait);
}

milliseconds AskAgainAt(milliseconds age) { return age + std::max(milliseconds(1000), age / 3); }

void Follow(Client& client, const std::string& path, const std::string& query, Listener& listener, ports::Clock& clock,
            const Client::GoOn& go_on) {
  State state;
  while (go_on()) {
    try {
      const auto before = clock.Now();
      if (state.version.empty()) {
        if (!List(client, path, query, listener, state)) throw ApiError("list " + path + ": it changed meanwhile", 410);
      } else {
        WatchOnce(client, path, query, listener, go_on, state);
        // A server that ends every watch at once is not asked without a pause.
        if (clock.Now() - before < kFirstWait) Wait(kFirstWait, clock, go_on);
      }
    } catch (const ApiError& error) {
      if (!error.retryable && error.status != 410 && !MayBeAllowedAgain(error, state)) throw;
      const milliseconds wait = WaitAfter(++state.failures, error.retry_after);
      listener.Troubled(error, wait);
      Wait(wait, clock, go_on);
    }
  }
}

}  // namespace yellow::adapters::kubernetes
