#include "cli/mistyped.h"

#include <CLI/CLI.hpp>

#include "base/suggest.h"

namespace yellow::cli {
namespace {

std::string Message(const std::string& what, const std::string& word, const std::vector<std::string>& known) {
  return "error: there is no " + what + " " + word + "\n  = " + base::DidYouMean(word, known) + "\n";
}

std::vector<const CLI::App*> Commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
}

/// The options of a command and of those above it, which it hands on to them.
const CLI::Option* FindOption(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent()) {
    if (const CLI::Option* option = app->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

std::vector<std::string> OptionNames(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

}  // namespace

std::string DescribeMistyped(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* current = &app;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") return "";
    if (word.starts_with("-") && word.size() > 1) {
      const size_t equals = word.find('=');
      const std::string name = word.substr(0, equals);
      const CLI::Option* option = FindOption(current, name);
      if (option == nullptr && name.starts_with("--")) return Message("option", name, OptionNames(current));
      if (option != nullptr && option->get_items_expected_max() > 0 && equals == std::string::npos) ++i;
      continue;
    }
    const std::vector<const CLI::App*> commands = Commands(*current);
    const auto found = std::find_if(commands.begin(), commands.end(),
                                    [&](const CLI::App* command) { return command->check_name(word); });
    if (found != commands.end()) {
      current = *found;
    } else if (current->get_require_subcommand_min() > 0) {
      std::vector<std::string> known;
      for (const CLI::App* command : commands) known.push_back(command->get_name());
      return Message(current == &app ? "command" : "command yellow " + current->get_name(), word, known);
    }
  }
  return "";
}

}  // namespace yellow::cli
