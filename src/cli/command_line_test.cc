#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cli/mistyped.h"
#include "cli/outputs.h"

namespace yellow::cli {
namespace {

/// Every command, those that lead to others too, with the words that name it.
std::vector<std::pair<std::string, CLI::App*>> EveryCommand(CLI::App& parent, const std::string& words = "") {
  std::vector<std::pair<std::string, CLI::App*>> all;
  for (CLI::App* command : parent.get_subcommands([](CLI::App* app) { return !app->get_name().empty(); })) {
    const std::string name = (words.empty() ? "" : words + " ") + command->get_name();
    all.emplace_back(name, command);
    for (auto& below : EveryCommand(*command, name)) all.push_back(below);
  }
  return all;
}

bool OnlyLeads(const CLI::App& command) { return command.get_require_subcommand_min() > 0; }

/// The lines below `Examples:`.
std::vector<std::string> ExamplesOf(const std::string& footer) {
  std::vector<std::string> examples;
  size_t at = footer.find("Examples:\n");
  if (at == std::string::npos) return examples;
  for (at += 10; footer.compare(at, 2, "  ") == 0; at = footer.find('\n', at) + 1)
    examples.push_back(footer.substr(at + 2, footer.find('\n', at) - at - 2));
  return examples;
}

/// The words of a line for a shell: quotes are taken off, and what follows a `>` is not the program's.
std::vector<std::string> Words(const std::string& line) {
  std::vector<std::string> words{""};
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == '>' && !quoted) {
      break;
    } else if (c != ' ' || quoted) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

/// The command that a line asks for, or why it cannot be parsed.
std::string Asked(const std::string& text) {
  const std::vector<std::string> words = Words(text);
  if (words.empty() || words.front() != "yellow") return "no line for yellow: " + text;
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  CommandLine line;
  try {
    line.app().parse(static_cast<int>(argv.size()), argv.data());
  } catch (const CLI::CallForHelp&) {
    return "help";
  } catch (const CLI::ParseError& error) {
    return text + ": " + error.what();
  }
  return line.command();
}

TEST(CommandLine, HelpIsASentenceAndExamplesThatAskForTheCommand) {
  CommandLine line;
  for (const auto& [name, command] : EveryCommand(line.app())) {
    SCOPED_TRACE(name);
    const std::string about = command->get_description();
    EXPECT_THAT(about, ::testing::Not(::testing::HasSubstr(". ")));
    EXPECT_TRUE(!about.empty() && about.back() != '.' && about.front() >= 'A' && about.front() <= 'Z') << about;
    const std::vector<std::string> examples = ExamplesOf(command->get_footer());
    EXPECT_FALSE(examples.empty());
    for (const std::string& example : examples)
      EXPECT_EQ(OnlyLeads(*command) ? Asked(example).substr(0, name.size()) : Asked(example), name);
  }
  for (const std::string& example : ExamplesOf(line.app().get_footer()))
    EXPECT_THAT(Asked(example), ::testing::AnyOf("help", "demo", "status"));
}

TEST(CommandLine, HelpSaysWhatIsTrueWhenAnOptionIsLeftOut) {
  CommandLine line;
  for (const auto& [name, command] : EveryCommand(line.app())) {
    for (const CLI::Option* option : command->get_options()) {
      SCOPED_TRACE(name + " " + option->get_name());
      EXPECT_FALSE(option->get_description().empty());
      const bool is_flag = option->get_items_expected_max() == 0;
      EXPECT_TRUE(is_flag || option->get_required() || !option->get_default_str().empty() ||
                  option->get_description().find("(default: ") != std::string::npos)
          << option->get_description();
    }
  }
}

TEST(CommandLine, WhatACommandPrintsForProgramsIsDescribed) {
  CommandLine line;
  std::set<std::string> commands{"error"};
  for (const auto& [name, command] : EveryCommand(line.app())) {
    if (!OnlyLeads(*command)) commands.insert(name);
  }
  const std::vector<std::string> described = OutputNames();
  EXPECT_EQ(std::set<std::string>(described.begin(), described.end()), commands);
  for (const std::string& name : described) EXPECT_TRUE(OutputSchema(name)) << name;
  EXPECT_FALSE(OutputSchema("statuses"));
}

TEST(CommandLine, WhatIsNotThereIsRefused) {
  EXPECT_EQ(Asked("yellow batches show Shop 2"), "batches show");
  EXPECT_EQ(Asked("yellow demo flights"), "demo flights");
  EXPECT_EQ(Asked("yellow demo here"), "demo");
  for (const char* text : {"yellow", "yellow status --brief", "yellow batches", "yellow batches shw Shop",
                           "yellow status --output yaml", "yellow explain"})
    EXPECT_THAT(Asked(text), ::testing::StartsWith(text));
}

}  // namespace
}  // namespace yellow::cli
