#include "run/patience.h"

#include <gmock/gmock.h>

#include <vector>

namespace yellow::run {
namespace {

class ManualClock : public ports::Clock {
 public:
  ports::TimePoint Now() override { return now_; }
  void Sleep(std::chrono::milliseconds duration) override {
    pauses.push_back(duration.count());
    now_ += duration;
  }
  std::vector<int64_t> pauses;

 private:
  ports::TimePoint now_{};
};

class FixedEntropy : public ports::Entropy {
 public:
  explicit FixedEntropy(std::string hex) : hex_(std::move(hex)) {}
  base::Secret Password() override { return base::Secret(""); }
  std::string Hex(int) override { return hex_; }

 private:
  std::string hex_;
};

TEST(Patience, DoublesItsPausesUntilTheTimeIsOver) {
  ManualClock clock;
  FixedEntropy entropy("8000");
  Patience patience(clock, entropy, std::chrono::seconds(30));
  while (patience.Wait()) {
  }
  EXPECT_THAT(clock.pauses, ::testing::ElementsAre(100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000, 5000));
}

TEST(Patience, BeginsAnewAfterASuccess) {
  ManualClock clock;
  FixedEntropy entropy("0000");
  Patience patience(clock, entropy, std::chrono::seconds(1));
  while (patience.Wait()) {
  }
  patience.Renew();
  EXPECT_TRUE(patience.Wait());
  EXPECT_EQ(clock.pauses.back(), 50) << "a half shorter at most";
}

}  // namespace
}  // namespace yellow::run
