#include "adapters/kubernetes/call_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <list>
#include <thread>

#include "adapters/kubernetes/call_proxy_state.h"

namespace yellow::adapters::kubernetes {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kMostCalls = 64;  // at once; more wait
constexpr milliseconds kLookAgain{100};

class CallProxy : public ports::SessionProxy {
 public:
  CallProxy(const Access& access, int listener, TokenSource tokens, milliseconds duration, ports::ClusterSink& sink)
      : end_(steady_clock::now() + duration),
        state_(access, std::move(tokens), sink),
        listener_(listener),
        thread_([this] { Run(); }) {}
  CallProxy(const CallProxy&) = delete;
  CallProxy& operator=(const CallProxy&) = delete;
  ~CallProxy() override {
    state_.Stop("it was given up");
    thread_.join();
  }

  void End(const std::string& reason) override { state_.Stop(reason); }
  std::optional<std::string> Ended() override { return state_.reason(); }

 private:
  struct Call {
    std::atomic<bool> done = false;
    std::thread thread;
  };

  void Run() {
    while (!state_.reason()) {
      if (steady_clock::now() >= end_) state_.Stop("its time is over");
      Forget();
      std::array<pollfd, 2> waiting{
          {{calls_.size() < kMostCalls ? listener_ : -1, POLLIN, 0}, {state_.stop_descriptor(), POLLIN, 0}}};
      poll(waiting.data(), waiting.size(), static_cast<int>(kLookAgain.count()));
      if ((waiting[0].revents & POLLIN) != 0) Accept();
    }
    close(listener_);
    for (Call& call : calls_) call.thread.join();
    calls_.clear();
  }

  void Forget() {
    calls_.remove_if([](Call& call) {
      if (!call.done) return false;
      call.thread.join();
      return true;
    });
  }

  void Accept() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) {  // without a descriptor left poll tells of it again at once
      std::this_thread::sleep_for(kLookAgain);
      return;
    }
    Call& call = calls_.emplace_back();
    auto connection = std::make_unique<CallConnection>(++numbers_, client, state_);
    call.thread = std::thread([&call, connection = std::move(connection)]() mutable {
      connection->Run();
      connection.reset();
      call.done = true;
    });
  }

  const steady_clock::time_point end_;
  CallProxyState state_;
  const int listener_;
  int64_t numbers_ = 0;
  std::list<Call> calls_;  // of the thread that accepts
  std::thread thread_;
};

}  // namespace

std::unique_ptr<ports::SessionProxy> StartCallProxy(const Access& access, int listener, TokenSource tokens,
                                                    milliseconds duration, ports::ClusterSink& sink) {
  return std::make_unique<CallProxy>(access, listener, std::move(tokens), duration, sink);
}

}  // namespace yellow::adapters::kubernetes
