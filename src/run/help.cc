#include "run/help.h"

#include <set>

namespace yellow::run {

std::string HelpWith(const std::string& reason_code, const std::string& reason) {
  static const std::set<std::string> kOfRows{"null_key",     "not_null",     "duplicate_key",
                                             "too_long",     "out_of_range", "too_precise",
                                             "key_too_long", "unreadable",   "unmergeable"};
  constexpr const char* kRemedy = "\n  = ";
  if (const size_t at = reason.rfind(kRemedy); at != std::string::npos) {
    const size_t begin = at + std::string(kRemedy).size();
    return reason.substr(begin, reason.find('\n', begin) - begin);
  }
  if (reason.find("No space left on device") != std::string::npos)
    return "make room on that disk; what waits is tried again";
  if (reason_code == "exit_status" && reason.ends_with(" status 127"))
    return "127 says that a program was not found: the transformer's command, or what it runs; its log names it";
  if (reason_code == "schema") return "mend the source; or the model, and then: yellow apply";
  if (kOfRows.count(reason_code) != 0)
    return "mend the rows at the source, or let bad rows be set aside (on_bad_rows: quarantine)";
  return "";
}

}  // namespace yellow::run
