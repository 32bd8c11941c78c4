#include "access/state.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "sql/control_schema.h"
#include "testing/golden.h"

namespace yellow::access {
namespace {

template <typename T, T Last>
std::vector<T> All() {
  std::vector<T> all;
  for (int i = 0; i <= static_cast<int>(Last); ++i) all.push_back(static_cast<T>(i));
  return all;
}

const std::vector<RequestState> kStates = All<RequestState, RequestState::kLapsed>();
const std::vector<RequestEvent> kEvents = All<RequestEvent, RequestEvent::kEscalated>();

TEST(RequestState, EveryPairIsInTheDocument) {
  std::string table = "| from | event | to |\n|---|---|---|\n";
  for (const RequestState state : kStates)
    for (const RequestEvent event : kEvents)
      if (const auto next = Next(state, event))
        table += "| " + std::string(Word(state)) + " | " + std::string(Word(event)) + " | " + std::string(Word(*next)) +
                 " |\n";
  std::ifstream in(yellow::testing::SourceFolder() + "/docs/state-machines.md");
  const std::string document((std::istreambuf_iterator<char>(in)), {});
  EXPECT_NE(document.find(table), std::string::npos) << "docs/state-machines.md should have:\n" << table;
}

/// The database moves by a table of its own; the two must not drift apart.
TEST(RequestState, TheDatabaseAllowsTheSame) {
  std::set<std::string> here;
  for (const RequestState state : kStates)
    for (const RequestEvent event : kEvents)
      if (const auto next = Next(state, event))
        here.insert("('" + std::string(Word(state)) + "', '" + std::string(Word(*next)) + "')");
  const std::string script(sql::ControlSchemaScripts(6).front());
  const size_t begin = script.find("INSERT INTO yellow_access.transition");
  const std::string values = script.substr(begin, script.find(';', begin) - begin);
  std::set<std::string> there;
  for (size_t at = values.find("('"); at != std::string::npos; at = values.find("('", at + 1))
    there.insert(values.substr(at, values.find(')', at) - at + 1));
  EXPECT_EQ(here, there);
}

TEST(RequestState, WordsAreOneToOne) {
  for (const RequestState state : kStates) EXPECT_EQ(RequestStateOf(Word(state)), state);
  EXPECT_EQ(RequestStateOf("active "), std::nullopt);
}

TEST(RequestState, NothingLeavesAnEnd) {
  for (const RequestState end : {RequestState::kAccepted, RequestState::kEscalated, RequestState::kDenied,
                                 RequestState::kWithdrawn, RequestState::kLapsed})
    for (const RequestEvent event : kEvents) EXPECT_EQ(Next(end, event), std::nullopt) << Word(end) << Word(event);
}

}  // namespace
}  // namespace yellow::access
