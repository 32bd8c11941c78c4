#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// The rule for names in a model (DESIGN 4), and legal names for things that are called otherwise where they come from.
namespace yellow::model {

inline constexpr size_t kLongestName = 60;

/// What is wrong with a name, as a clause ("holds no double underscore"), or nothing.
std::string NameFault(std::string_view name);

/// Letters of the Latin script without their marks ("prénom" is "prenom", "Straße" is "Strasse"); other letters beyond
/// ASCII become `_`.
std::string WithoutMarks(std::string_view utf8);

/// The words of a name in lower case, without marks: cut at what is neither letter nor digit, before a capital that
/// follows a small letter (`customerFirstName`) or begins a word after capitals (`HTTPServer`), and between letters and
/// digits.
std::vector<std::string> WordsOf(std::string_view name);

/// The name itself when it is legal; else one that is, the same for the same name: marks go, what is neither letter nor
/// digit becomes `_`, `start` stands before what begins with no letter. A name of which nothing is left is `start` and
/// 8 hexadecimal digits of its SHA-256; one that is too long ends in such digits.
/// REQUIRES: `start` begins with a letter and holds letters and digits only.
std::string LegalName(std::string_view name, std::string_view start);

/// Names that differ in more than their case.
class FreshNames {
 public:
  void Take(std::string_view name);
  /// `name`, or `name_2`, `name_3` …: the first that was not taken, whatever its case. It is taken from now on.
  std::string Fresh(const std::string& name);

 private:
  std::vector<std::string> taken_;  ///< lower case, sorted
};

}  // namespace yellow::model
