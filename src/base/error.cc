#include "base/error.h"

namespace yellow::base {

std::string Describe(const Error& error) {
  std::string text = error.what();
  for (const std::string& line : error.context) text += "\n  " + line;
  if (!error.remedy.empty()) text += "\n  = " + error.remedy;
  return text;
}

}  // namespace yellow::base
