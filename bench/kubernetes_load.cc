// Runs without a database: what Yellow's adapter does for each (src/adapters/kubernetes), as often as is asked, against
// a real API server. What goes wrong ends the program.
//
// kubernetes_load KUBECONFIG NAMESPACE IMAGE rate PER_SECOND SECONDS
//   Starts runs at this rate, whether or not those before have been answered. At the end one JSON object: runs,
//   seconds, least (the fewest per second in any five seconds), milliseconds (a list, of each), own (processor
//   seconds).
// kubernetes_load KUBECONFIG NAMESPACE IMAGE flight RUNS SECONDS FOLDER
//   Keeps so many runs in flight, a new one for each that ends, as a serving Yellow does: a thread that follows it,
//   with its log in FOLDER. SECONDS count from when as many have ended. Every five seconds, and when none is in flight
//   any more, one JSON object: seconds, flight (Jobs that have not ended), begun (of them, those whose code has begun),
//   ended (so far), kib (resident), allocated (KiB of that, without what the allocator keeps for later), files (open),
//   own (processor seconds).

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapters/clock/system_clock.h"
#include "adapters/files/local_files.h"
#include "adapters/kubernetes/cluster.h"

namespace yellow {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kCallers = 16;                          // who start runs at the same time
constexpr milliseconds kLook{50}, kAskWhether{1000};  // as the executor does
constexpr milliseconds kApart{100};                   // the first runs begin one after the other
constexpr std::chrono::seconds kReport{5};
constexpr int64_t kMostOfLog = 64 << 20;

double Seconds(steady_clock::duration time) { return duration<double>(time).count(); }

/// Of the processors, that this process has used.
double OwnSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int64_t ResidentKib() {
  int64_t whole = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> whole >> resident;
  return resident * sysconf(_SC_PAGESIZE) / 1024;
}

int64_t AllocatedKib() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<int64_t>((info.uordblks + info.hblkhd) / 1024);
}

int64_t OpenFiles() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

/// As much as the launcher gives code.
ports::ContainerSpec RunOf(const std::string& image, int number) {
  ports::ContainerSpec spec;
  spec.name = fmt::format("yellow-run-{}-{}", getpid(), number);
  spec.image = image, spec.command = {"code"};
  spec.environment = {{"HOME", "/tmp"},
                      {"PGHOST", "db.example.com"},
                      {"PGPORT", "5432"},
                      {"PGUSER", spec.name},
                      {"PGPASSWORD", std::string(40, 'p')},
                      {"YELLOW_DATABASE_URL", std::string(150, 'u')},
                      {"YELLOW_INPUTS", std::string(1000, 'i')},
                      {"YELLOW_OUTPUTS", std::string(1000, 'o')}};
  for (int i = 0; i < 12; ++i) spec.environment[fmt::format("VARIABLE_{}", i)] = "of a few words";
  spec.labels = {{"yellow.run", spec.name},
                 {"yellow.workspace", "Bench"},
                 {"yellow.platform", "Main"},
                 {"yellow.spec", std::string(64, 'd')}};
  spec.limit_seconds = 3600;
  return spec;
}

/// The engine of a cluster, and how often it has let us down.
class Load {
 public:
  Load(const std::string& kubeconfig, const std::string& name_space, std::string image) : image_(std::move(image)) {
    environment_.launcher = model::LauncherKind::kKubernetes;
    environment_.kubernetes.kubeconfig = kubeconfig;
    environment_.kubernetes.name_space = name_space;
  }

  void Rate(double per_second, double seconds) {
    const auto runs = static_cast<size_t>(per_second * seconds);
    Warm();
    std::vector<double> took(runs), answered(runs);
    std::atomic<size_t> next{0};
    const double own = OwnSeconds();
    const auto began = steady_clock::now();
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        const auto engine = clusters_->Of(environment_);
        for (size_t run = next++; run < runs; run = next++) {
          std::this_thread::sleep_until(
              began + std::chrono::duration_cast<steady_clock::duration>(duration<double>(static_cast<double>(run) / per_second)));
          const auto before = steady_clock::now();
          engine->Start(RunOf(image_, static_cast<int>(run)));
          took[run] = Seconds(steady_clock::now() - before) * 1000;
          answered[run] = Seconds(steady_clock::now() - began);
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    const double whole = Seconds(steady_clock::now() - began);
    fmt::print(
        "{{\"runs\": {}, \"seconds\": {:.3f}, \"least\": {:.2f}, \"milliseconds\": [{:.2f}], \"own\": {:.3f}}}\n", runs,
        whole, Least(answered, whole), fmt::join(took, ", "), OwnSeconds() - own);
  }

  void Flight(int runs, double seconds, const std::string& folder) {
    const auto began = steady_clock::now();
    std::vector<std::thread> threads;
    for (int i = 0; i < runs; ++i) {
      std::this_thread::sleep_for(kApart);
      threads.emplace_back([this, folder, i] { Fly(fmt::format("{}/{}.log", folder, i)); });
    }
    for (auto replaced = began; Seconds(steady_clock::now() - replaced) < seconds;) {
      std::this_thread::sleep_for(kReport);
      if (ended_ < runs) replaced = steady_clock::now();
      Report(Seconds(steady_clock::now() - began));
    }
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
    std::this_thread::sleep_for(kReport);  // until the watches have told that the last Jobs are gone
    Report(Seconds(steady_clock::now() - began));
  }

 private:
  void Report(double seconds) const {
    fmt::print(
        "{{\"seconds\": {:.1f}, \"flight\": {}, \"begun\": {}, \"ended\": {}, \"kib\": {}, \"allocated\": {}, "
        "\"files\": {}, "
        "\"own\": {:.2f}}}\n",
        seconds, flying_.load(), begun_.load(), ended_.load(), ResidentKib(), AllocatedKib(), OpenFiles(),
        OwnSeconds());
    std::fflush(stdout);
  }

  /// Connections, and the watches.
  void Warm() {
    clusters_->Of(environment_)->Describe();
    clusters_->Of(environment_)->Start(RunOf(image_, -1));
  }

  /// The fewest in a second of any five that lie within.
  static double Least(std::vector<double> answered, double whole) {
    constexpr double kWindow = 5;
    std::sort(answered.begin(), answered.end());
    double least = static_cast<double>(answered.size()) / std::min(whole, kWindow);
    for (double from = 0; from + kWindow <= whole; from += 0.25) {
      const auto first = std::lower_bound(answered.begin(), answered.end(), from);
      least = std::min(least,
                       static_cast<double>(std::lower_bound(first, answered.end(), from + kWindow) - first) / kWindow);
    }
    return least;
  }

  /// One run after the other.
  void Fly(const std::string& log) {
    const auto engine = clusters_->Of(environment_);
    while (!stop_) {
      const ports::ContainerSpec run = RunOf(image_, number_++);
      engine->Start(run);
      ++flying_;
      Follow(*engine, run.name, log);
      --flying_;
      const auto state = engine->Find(run.name);
      if (!stop_ && (!state || state->running || state->exit_status != 0))
        throw base::Error("load", "what has become of " + run.name);
      engine->Remove(run.name, "");
      ++ended_;
    }
  }

  void Follow(ports::ContainerEngine& engine, const std::string& name, const std::string& log) {
    const auto follower = engine.Follow(name, log, kMostOfLog);
    bool began = false;
    auto asked = steady_clock::now();
    while (!stop_ && !follower->Ended()) {
      if (!began && steady_clock::now() - asked > kAskWhether) {
        asked = steady_clock::now();
        began = follower->Pending().empty();
        if (began) ++begun_;
      }
      std::this_thread::sleep_for(kLook);
    }
    if (!stop_) follower->Finish();
    if (began) --begun_;
  }

  const std::string image_;
  const std::unique_ptr<ports::Clock> clock_ = adapters::clock::MakeClock();
  const std::unique_ptr<ports::FileSystem> files_ = adapters::files::MakeFileSystem();
  const std::unique_ptr<ports::ContainerEngines> clusters_ = adapters::kubernetes::MakeClusters(
      [this](const std::string& path) { return files_->Read(path); },
      [](const std::string&) { return std::optional<std::string>(); }, *clock_, nullptr);
  model::Environment environment_;
  std::atomic<int> number_{0}, flying_{0}, begun_{0}, ended_{0};
  std::atomic<bool> stop_{false};
};

int Main(const std::vector<std::string>& words) {
  constexpr size_t kRate = 6, kFlight = 7;
  if (words.size() == kRate && words[3] == "rate")
    Load(words[0], words[1], words[2]).Rate(std::stod(words[4]), std::stod(words[5]));
  else if (words.size() == kFlight && words[3] == "flight")
    Load(words[0], words[1], words[2]).Flight(std::stoi(words[4]), std::stod(words[5]), words[6]);
  else
    return 2;
  return 0;
}

}  // namespace
}  // namespace yellow

int main(int count, char** words) {
  try {
    return yellow::Main({words + 1, words + count});
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
