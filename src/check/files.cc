#include "base/utf8.h"
#include "check/rules.h"

namespace yellow::check {
namespace {

constexpr size_t kMebibyte = 1 << 20;
constexpr size_t kMostBytes = 64 * kMebibyte;  // twice that, as hexadecimal digits, is half of what a jsonb can hold

}  // namespace

void CheckFiles(const Texts& texts, base::Diagnostics& diagnostics) {
  size_t all = 0, largest = 0;
  std::string name_of_largest;
  for (const auto& [path, content] : texts) {
    all += content.size();
    if (content.size() > largest) largest = content.size(), name_of_largest = base::AsText(path);
    if (base::LengthOfText(path) != path.size()) {
      diagnostics.Error("Y620", {base::AsText(path), {}, {}}, "the name of this file is not UTF-8",
                        "give it another name");
    }
  }
  if (all > kMostBytes) {
    diagnostics.Error("Y621", {name_of_largest, {}, {}},
                      "the files below model/ have " + std::to_string(all / kMebibyte) + " MiB together, this one " +
                          std::to_string(largest / kMebibyte) + "; at most " + std::to_string(kMostBytes / kMebibyte) +
                          " MiB are stored with the model",
                      "put large data where the code can fetch it, and packages into a .venv beside the code");
  }
}

}  // namespace yellow::check
