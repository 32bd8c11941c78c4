#include "run/witness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yellow::run {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

View Streams(const std::vector<std::pair<std::string, int>>& newest) {
  View view;
  for (const auto& [key, batch] : newest) {
    StreamView stream;
    stream.key = key, stream.newest = batch;
    view.streams.push_back(stream);
  }
  return view;
}

TEST(Witness, ReadsWhatItWrote) {
  const Seen seen{"1771234567.891", {{"Ingest/Main/Shop", 12}, {"Ingest/Main/Two Words", 0}}};
  EXPECT_EQ(SeenOf(ToText(seen)), seen);
}

TEST(Witness, TakesNothingElseForIt) {
  for (const char* text :
       {"", "\n", "installation \n", "installation 1", "installation 1\nShop 3\n", "installation 1\n-3 Shop\n",
        "installation 1\n3Shop\n", "installation 1\n3 \n", "installation 1\n99999999999 Shop\n", "3 Shop\n"}) {
    EXPECT_EQ(SeenOf(text), std::nullopt) << text;
  }
}

TEST(Witness, KnowsStreamsWhoseBatchesAreGone) {
  const Seen seen{"1", {{"a", 3}, {"b", 3}, {"c", 3}, {"left the model", 9}}};
  View view = Streams({{"a", 2}, {"b", 3}, {"new", 0}});
  view.outputs = Streams({{"c", 0}}).streams;
  EXPECT_THAT(WentBack(seen, view), ElementsAre(Backward{"a", 3, 2}, Backward{"c", 3, 0}));
  EXPECT_THAT(WentBack(seen, Streams({{"a", 4}, {"b", 3}})), IsEmpty());
}

}  // namespace
}  // namespace yellow::run
