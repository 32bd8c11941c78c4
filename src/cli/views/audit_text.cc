#include "cli/views/audit_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/audit_chain.h"
#include "base/utf8.h"
#include "cli/exit_status.h"

namespace yellow::cli {
namespace {

std::string Text(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

int64_t Number(const Json& json, const char* name) { return json.value(name, int64_t{0}); }

std::string Reason(const Json& json) {
  const auto found = json.find("reason");
  return found != json.end() && found->is_object() ? Text(*found, "text") : "";
}

const char* Plural(int64_t count) { return count == 1 ? "" : "s"; }

/// Which chain it is, and up to where a signature stands for it.
std::string ChainLine(const Json& verified) {
  const std::string chain = Text(verified, "chain"), key = Text(verified, "public_key");
  const int64_t up_to = Number(verified, "signed_up_to");
  const Json findings = verified.value("findings", Json::array());
  const bool bad = std::any_of(findings.begin(), findings.end(), [](const Json& finding) {
    return Text(finding, "state") == access::Word(access::Fault::kBadSignature);
  });
  std::string text = "Chain" + (chain.empty() ? "" : " " + chain) + ": ";
  if (up_to > 0) return text + fmt::format("signed up to record {} with {}\n", up_to, key);
  text += bad ? "no signature in it is good" : "nothing in it is signed yet";
  return text + (key.empty() ? "" : "; the key is " + key) + "\n";
}

}  // namespace

std::string RecordLine(const Json& record) {
  const std::string at = Text(record, "at");
  std::string line = fmt::format("{}  {}  {}  {}", at.substr(0, at.find('.')) + "Z", Text(record, "person"),
                                 Text(record, "action"), Text(record, "subject"));
  if (const std::string request = Text(record, "request"); !request.empty()) line += "  for request " + request;
  const Json details = record.value("details", Json::object());
  if (!details.empty()) line += "  " + details.dump(-1, ' ', false, Json::error_handler_t::replace);
  return base::AsPlainLine(line) + (Text(record, "state") == "chained" ? "" : "  (not chained yet)") + "\n";
}

std::string DescribeVerified(const Json& verified) {
  const int64_t records = Number(verified, "records"), segments = Number(verified, "segments"),
                unchained = Number(verified, "unchained");
  std::string text =
      fmt::format("{}: {} record{} in {} segment{}, up to {} ({})\n", Text(verified, "key"), records, Plural(records),
                  segments, Plural(segments), Number(verified, "sequence"), Text(verified, "hash"));
  text += ChainLine(verified);
  if (unchained > 0)
    text += fmt::format("{} record{} not chained yet: yellow serve does it, or yellow audit chain\n", unchained,
                        unchained == 1 ? " is" : "s are");
  for (const Json& anchor : verified.value("anchors", Json::array())) {
    const std::string at = Text(anchor, "at"), failure = Reason(anchor);
    text += "Anchor " + Text(anchor, "key") + ": ";
    text += at.empty() ? "never noted" : fmt::format("noted up to {} at {}", Number(anchor, "sequence"), at);
    text += (failure.empty() ? "" : "; it cannot be noted: " + failure) + "\n";
  }
  for (const Json& finding : verified.value("findings", Json::array()))
    text += fmt::format("error: {} [{}]\n", Reason(finding), Text(finding, "state"));
  if (verified.value("findings", Json::array()).empty()) text += "Nothing in it was changed.\n";
  std::string left_out;
  for (const Json& what : verified.value("not_compared", Json::array()))
    left_out += (left_out.empty() ? "" : ", ") + what.get<std::string>();
  if (!left_out.empty()) text += "Not compared, as it was not to be had: " + left_out + "\n";
  return text;
}

int StatusOfVerified(const Json& all) {
  for (const Json& verified : all) {
    const std::string state = Text(verified, "state");
    if (state != "good") {
      for (const access::Fault fault : access::AllFaults())
        if (access::Word(fault) == state) return static_cast<int>(fault);
      return kFailed;
    }
    for (const Json& anchor : verified.value("anchors", Json::array()))
      if (Text(anchor, "state") == "failed") return kFindings;
  }
  return kDone;
}

}  // namespace yellow::cli
