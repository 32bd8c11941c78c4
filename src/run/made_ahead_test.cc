#include "run/made_ahead.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace yellow::run {
namespace {

using std::chrono::minutes;

class HandClock : public ports::Clock {
 public:
  ports::TimePoint Now() override { return now; }
  void Sleep(std::chrono::milliseconds) override {}
  std::atomic<ports::TimePoint> now = ports::TimePoint{};
};

class MadeAheadTest : public ::testing::Test {
 protected:
  HandClock clock_;
  std::atomic<int> made_ = 0;
  std::vector<int> replaced_;
  bool none_ = false;
  MadeAhead<int> numbers_{clock_, [this](std::optional<int> old) -> std::optional<int> {
                            if (old) replaced_.push_back(*old);
                            const int number = ++made_;
                            return none_ ? std::nullopt : std::optional(number);
                          }};

  void PrepareAndWait() {
    numbers_.Prepare();
    for (int i = 0; i < 1000 && made_ == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
};

TEST_F(MadeAheadTest, IsThereOnceItWasAskedForAndGivenOnce) {
  EXPECT_FALSE(numbers_.Take());
  numbers_.Prepare();
  numbers_.Prepare();
  EXPECT_EQ(numbers_.Take(), 1);
  EXPECT_FALSE(numbers_.Take());
  EXPECT_EQ(made_, 1);
}

TEST_F(MadeAheadTest, IsMadeAnewBeforeItIsOld) {
  PrepareAndWait();
  clock_.now = ports::TimePoint(minutes(4));
  numbers_.Prepare();
  numbers_.Prepare();
  EXPECT_EQ(made_, 1);
  clock_.now = ports::TimePoint(minutes(5));
  numbers_.Prepare();
  EXPECT_EQ(numbers_.Take(), 2);
  EXPECT_EQ(replaced_, std::vector<int>{1});
}

TEST_F(MadeAheadTest, IsNotGivenWhenNobodyCouldMakeItAnewInTime) {
  PrepareAndWait();
  clock_.now = ports::TimePoint(minutes(10));
  EXPECT_FALSE(numbers_.Take());
}

TEST_F(MadeAheadTest, WhatIsNotToBeHadIsTriedAgainLater) {
  none_ = true;
  PrepareAndWait();
  numbers_.Prepare();
  numbers_.Prepare();
  EXPECT_EQ(made_, 1);
  clock_.now = ports::TimePoint(minutes(5));
  none_ = false;
  numbers_.Prepare();
  EXPECT_EQ(numbers_.Take(), 2);
  EXPECT_TRUE(replaced_.empty());
}

TEST_F(MadeAheadTest, IsNeverGivenToTwo) {
  constexpr int kThreads = 8, kEach = 200;
  std::array<std::vector<int>, kThreads> taken;
  std::vector<std::thread> threads;
  for (std::vector<int>& mine : taken) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        numbers_.Prepare();
        if (const auto number = numbers_.Take()) mine.push_back(*number);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<int> all;
  size_t count = 0;
  for (const std::vector<int>& mine : taken) all.insert(mine.begin(), mine.end()), count += mine.size();
  EXPECT_EQ(all.size(), count);
  EXPECT_GT(count, 0U);
}

}  // namespace
}  // namespace yellow::run
