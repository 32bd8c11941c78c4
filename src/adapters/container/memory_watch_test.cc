#include "adapters/container/memory_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace yellow::adapters::container {
namespace {

TEST(OomCounterOf, FindsTheCountOfBothVersions) {
  EXPECT_EQ(OomCounterOf("4:memory:/libpod_parent/libpod-1\n1:cpu:/x\n0::/y\n"),
            "/sys/fs/cgroup/memory/libpod_parent/libpod-1/memory.oom_control");
  EXPECT_EQ(OomCounterOf("0::/user.slice/libpod-1.scope\n1:cpu,memory:/both\n"),
            "/sys/fs/cgroup/memory/both/memory.oom_control");
  EXPECT_EQ(OomCounterOf("0::/user.slice/libpod-1.scope\n"), "/sys/fs/cgroup/user.slice/libpod-1.scope/memory.events");
  EXPECT_EQ(OomCounterOf("1:cpu:/x\n"), "");
  EXPECT_EQ(OomCounterOf(""), "");
}

TEST(MemoryWatch, OfAProcessThatIsNotThereThereIsNone) { EXPECT_EQ(MemoryWatch::Of(1 << 30), nullptr); }

}  // namespace
}  // namespace yellow::adapters::container
