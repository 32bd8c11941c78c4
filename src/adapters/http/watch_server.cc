#include "adapters/http/watch_server.h"

#include <httplib.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "base/error.h"

namespace yellow::adapters::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kAlive{60};
constexpr int kThreads = 2;

/// What each metric means; a name that is not here is a bug.
const std::map<std::string, std::string> kHelp{
    {"yellow_batches_total", "Batches by outcome: committed, held, failed. Outputs of transformers included."},
    {"yellow_runs_total", "Runs of transformers that were committed."},
    {"yellow_jobs", "Batches and runs under way."},
    {"yellow_tick_seconds", "How long the last decision on what is due took."},
    {"yellow_nodes_waiting_for_help", "Streams and transformers that go on only when a person or the source helps."},
    {"yellow_model_version", "The applied model that is served."}};

class WatchServer : public ports::Watch {
 public:
  WatchServer() = default;
  WatchServer(const WatchServer&) = delete;
  WatchServer& operator=(const WatchServer&) = delete;
  ~WatchServer() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  std::string Listen(const std::string& address) override {
    const size_t colon = address.rfind(':');
    const std::string host = colon == std::string::npos ? "" : address.substr(0, colon);
    const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
    if (host.empty() || port.empty() || port.find_first_not_of("0123456789") != std::string::npos || port.size() > 5)
      throw base::UsageError("this is not host:port: " + address).Remedy("write --listen 127.0.0.1:8080");
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.Get("/healthz", [this](const httplib::Request&, httplib::Response& response) { Answer(response, false); });
    server_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) { Answer(response, true); });
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(prometheus::TextSerializer().Serialize(registry_.Collect()), "text/plain; version=0.0.4");
    });
    const int wanted = std::stoi(port);
    const int bound = wanted == 0                                  ? server_.bind_to_any_port(host.c_str())
                      : server_.bind_to_port(host.c_str(), wanted) ? wanted
                                                                   : -1;
    if (bound < 0) throw base::Error("listen", "cannot listen on " + address).Remedy("choose another port");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    return host + ":" + std::to_string(bound);
  }

  void Beat(const std::string& part) override {
    const std::lock_guard lock(mutex_);
    parts_[part] = {Clock::now(), true};
  }

  void NotReady(const std::string& part) override {
    const std::lock_guard lock(mutex_);
    parts_[part] = {Clock::now(), false};
  }

  void Add(const std::string& counter, const Labels& labels, double amount) override {
    prometheus::BuildCounter().Name(counter).Help(kHelp.at(counter)).Register(registry_).Add(labels).Increment(amount);
  }

  void Set(const std::string& gauge, const Labels& labels, double value) override {
    prometheus::BuildGauge().Name(gauge).Help(kHelp.at(gauge)).Register(registry_).Add(labels).Set(value);
  }

 private:
  struct Part {
    Clock::time_point last;
    bool ready = false;
  };

  void Answer(httplib::Response& response, bool ready) {
    const std::lock_guard lock(mutex_);
    bool good = !ready || !parts_.empty();
    std::string text;
    for (const auto& [name, part] : parts_) {
      const bool alive = Clock::now() - part.last < kAlive;
      good = good && alive && (!ready || part.ready);
      text += name + (!alive ? ": hangs\n" : part.ready ? ": ok\n" : ": not ready\n");
    }
    response.status = good ? 200 : 503;
    response.set_content(text.empty() ? "starting\n" : text, "text/plain");
  }

  prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
  std::mutex mutex_;
  std::map<std::string, Part> parts_;
  httplib::Server server_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<ports::Watch> MakeWatch() { return std::make_unique<WatchServer>(); }

}  // namespace yellow::adapters::http
