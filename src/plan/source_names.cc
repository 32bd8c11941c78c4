#include "plan/source_names.h"

#include <vector>

#include "model/name_rule.h"

namespace yellow::plan {
namespace {

/// The words of a name without `db` or `database` at its end, unless nothing else is left.
std::vector<std::string> Stem(const std::string& name) {
  std::vector<std::string> words = model::WordsOf(name);
  if (words.size() > 1 && (words.back() == "db" || words.back() == "database")) {
    words.pop_back();
  } else if (!words.empty() && words.back().size() > 3 && words.back().ends_with("db")) {
    words.back().resize(words.back().size() - 2);
  }
  return words;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : "_") + word;
  return joined;
}

std::string Capitalised(const std::vector<std::string>& words) {
  std::string joined;
  for (std::string word : words) {
    if (word[0] >= 'a' && word[0] <= 'z') word[0] = static_cast<char>(word[0] - 'a' + 'A');
    joined += word;
  }
  return joined;
}

}  // namespace

std::string ContainerNameFor(const std::string& database) {
  return model::LegalName(Capitalised(Stem(database)) + "DB", "Source");
}

std::string CredentialNameFor(const std::string& container) {
  return model::LegalName(Joined(Stem(container)) + "_reader", "source");
}

std::string VariablesFor(const std::string& container) {
  std::string name = model::LegalName(Joined(Stem(container)), "SOURCE");
  for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

std::string StoreNameFor(const std::string& container, const std::string& schema) {
  const std::vector<std::string> stem = Stem(container), words = model::WordsOf(schema);
  std::string name = Capitalised(stem);
  if (schema != "public" && words != stem) name += Capitalised(words);
  return model::LegalName(name, "Store");
}

std::string FileNameFor(const std::string& name) { return model::LegalName(Joined(model::WordsOf(name)), "model"); }

}  // namespace yellow::plan
