#include "adapters/kubernetes/access.h"
#include "adapters/kubernetes/call_head.h"
#include "adapters/kubernetes/reply.h"
#include "adapters/kubernetes/run_state.h"
#include "base/check.h"
#include "input.h"

using namespace yellow;
using namespace yellow::adapters::kubernetes;

namespace {

/// The events of a watch that comes in pieces of that size, one a line, and how it ended.
std::string Watched(const std::string& text, size_t piece) {
  WatchStream stream;
  std::string seen;
  const auto take = [&](const WatchEvent& event) {
    seen += std::to_string(static_cast<int>(event.kind)) + event.name + " " + event.version + " " + event.object + "\n";
    return true;
  };
  try {
    for (size_t at = 0; at < text.size(); at += piece)
      if (const auto end = stream.Feed(std::string_view(text).substr(at, piece), take)) return seen + std::to_string(static_cast<int>(*end));
  } catch (const ApiError& error) {
    seen += error.what();
  }
  return seen;
}

template <typename Read>
void Try(const Read& read) {
  try {
    read();
  } catch (const base::Error&) {
    // what is refused is refused in this way only
  }
}

}  // namespace

/// Whatever the objects say, a run is under way or it has ended, and only one that is under way waits for something.
void Judged(const std::string& text) {
  const JobFacts job = ReadJob(text);
  PodFacts pod = ReadPod(text);
  pod.job_uid = job.uid;
  for (const bool stranded : {false, true}) {
    for (const PodFacts* one : {static_cast<const PodFacts*>(nullptr), static_cast<const PodFacts*>(&pod)}) {
      const RunState run = Judge(job, one, stranded);
      YELLOW_CHECK(run.container.started && (run.pending.empty() || run.container.running));
      YELLOW_CHECK(!run.container.running || !run.container.failure);
    }
  }
}

/// Whatever a session sends, what the server gets is one call with one credential, the proxy's.
void PassedOn(const std::string& text) {
  const auto head = ReadCallHead(text);
  if (!head || !access::WhyNotPassedOn(CallOf(*head)).empty()) return;
  const auto passed = ReadCallHead(HeadForServer(*head, "server:6443", "", "its-token"));
  YELLOW_CHECK(passed && passed->method == head->method && passed->target == head->target);
  int credentials = 0;
  for (const auto& [name, value] : passed->fields) {
    const CallHead alone{"", "", {{name, value}}};
    credentials += alone.Field("authorization").empty() ? 0 : 1;
  }
  YELLOW_CHECK(credentials == 1 && passed->Field("authorization") == "Bearer its-token");
  YELLOW_CHECK(passed->Field("impersonate-user").empty() && passed->Field("x-remote-user").empty());
  YELLOW_CHECK(AsksForUpgrade(*passed) == AsksForUpgrade(*head));
}

/// A kubeconfig, an answer, a list, a watch, a Job and its pod: taken or refused; a watch is the same in whatever pieces it comes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = fuzz::Text(data, size);
  Try([&] { ReadKubeconfig(text, "/kubeconfig", "", [](const std::string&) { return std::optional<std::string>("content"); }); });
  Try([&] { Classify("get", 409, text, 0); });
  Try([&] { Classify("get", 500, text, 0); });
  Try([&] { ReadList(text); });
  PassedOn(text);
  Try([&] { Judged(text); });
  const std::string whole = Watched(text, text.size() + 1);
  YELLOW_CHECK(whole == Watched(text, 1));
  YELLOW_CHECK(whole == Watched(text, 7));
  return 0;
}
