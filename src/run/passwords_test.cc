#include "run/passwords.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace yellow::run {
namespace {

class Numbers : public ports::Entropy {
 public:
  base::Secret Password() override { return base::Secret(std::to_string(++last_)); }
  std::string Hex(int) override { return ""; }
  int made() const { return last_; }

 private:
  std::atomic<int> last_ = 0;
};

class Verifiers : public ports::Connector {
 public:
  std::unique_ptr<ports::Session> Open(const ports::ConnectionTarget&) override { return nullptr; }
  std::string ScramVerifier(const base::Secret& password) override { return "of " + password.Reveal(); }
};

TEST(PasswordsAhead, AreMadeOnceAndGivenOnce) {
  Numbers entropy;
  Verifiers connector;
  PasswordsAhead passwords(entropy, connector);
  passwords.Prepare();
  passwords.Prepare();
  const Password first = passwords.Take();
  EXPECT_EQ(entropy.made(), 1) << "the one that was there";
  EXPECT_EQ(first.verifier, "of " + first.password.Reveal());
  EXPECT_NE(passwords.Take().password.Reveal(), first.password.Reveal()) << "none was there";
}

TEST(PasswordsAhead, AreNeverGivenToTwo) {
  constexpr int kThreads = 8, kEach = 200;
  Numbers entropy;
  Verifiers connector;
  PasswordsAhead passwords(entropy, connector);
  std::array<std::set<std::string>, kThreads> taken;
  std::vector<std::thread> threads;
  for (std::set<std::string>& mine : taken) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        passwords.Prepare();
        mine.insert(passwords.Take().password.Reveal());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (const std::set<std::string>& mine : taken) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), static_cast<size_t>(kThreads * kEach));
}

}  // namespace
}  // namespace yellow::run
