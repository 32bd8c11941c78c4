#include "access/cast.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "access/base64.h"
#include "base/hex.h"
#include "base/utf8.h"

namespace yellow::access {
namespace {

using nlohmann::json;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
// A recording is shorter than that, whatever its file says: 31 years.
constexpr double kLongest = 1e9;
constexpr int kLargest = 65535;

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

/// The length of the UTF-8 at the beginning, which may hold NUL.
size_t LengthOfUtf8(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    at += base::LengthOfText(bytes.substr(at));
    if (at == bytes.size() || bytes[at] != '\0') break;
    ++at;
  }
  return at;
}

/// Of UTF-8, as a JSON string. What a terminal would obey is written as an escape: a line may be looked at on one.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '"' || byte == '\\') {
      out += '\\', out += text[i];
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00" + base::HexOf(text.substr(i, 1));
    } else if (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      out += "\\u00" + base::HexOf(text.substr(++i, 1));
    } else {
      out += text[i];
    }
  }
  return out + "\"";
}

std::string CastLine(int64_t at, std::string_view code, std::string_view text) {
  return fmt::format("[{}.{:06}, \"{}\", {}]\n", at / 1000000, at % 1000000, code, Quoted(text));
}

std::string LinesOfBytes(int64_t at, std::string_view code, std::string_view bytes) {
  if (LengthOfUtf8(bytes) == bytes.size()) return CastLine(at, code, bytes);
  return CastLine(at, "b", Base64Of(bytes)) + CastLine(at, code, TextOf(bytes));
}

template <typename Number>
std::optional<Number> NumberIn(std::string_view text, Number largest) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > largest) return std::nullopt;
  return number;
}

std::optional<CastResize> ResizeOf(std::string_view text) {
  const size_t by = text.find('x');
  if (by == std::string_view::npos) return std::nullopt;
  const auto columns = NumberIn(text.substr(0, by), kLargest), rows = NumberIn(text.substr(by + 1), kLargest);
  if (!columns || !rows) return std::nullopt;
  return CastResize{*columns, *rows};
}

tl::unexpected<std::string> Wrong(const char* why) { return tl::unexpected<std::string>(why); }

tl::expected<CastHeader, std::string> HeaderOf(const json& line) {
  if (!line.is_object() || !line.contains("version") || line["version"] != 2) return Wrong("is no asciicast 2");
  CastHeader header;
  for (const auto& [name, number] : {std::pair("width", &header.columns), {"height", &header.rows}}) {
    if (!line.contains(name) || !line[name].is_number_unsigned() || line[name].get<uint64_t>() > kLargest)
      return Wrong("has no size of a terminal");
    *number = line[name].get<int>();
  }
  if (line.contains("timestamp") && line["timestamp"].is_number_integer()) header.timestamp = line["timestamp"];
  if (line.contains("title") && line["title"].is_string()) header.title = line["title"];
  if (line.contains("env") && line["env"].is_object()) {
    for (const auto& [name, value] : line["env"].items()) {
      if (value.is_string()) header.environment[name] = value;
    }
  }
  return header;
}

}  // namespace

size_t LengthOfOpenEnd(std::string_view bytes) {
  for (size_t length = std::min<size_t>(3, bytes.size()); length > 0; --length) {
    const std::string end(bytes.substr(bytes.size() - length));
    const auto lead = static_cast<unsigned char>(end[0]);
    const size_t whole = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    if (whole <= length) continue;
    // Open if some bytes would complete it: the least and the greatest that may follow in any place.
    for (const char* rest : {"\x80\x80\x80", "\xBF\xBF\xBF"}) {
      const std::string complete = end + std::string(rest, whole - length);
      if (base::LengthOfText(complete) == whole) return length;
    }
  }
  return 0;
}

std::string TextOf(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t length = LengthOfUtf8(bytes);
    text += bytes.substr(0, length);
    bytes.remove_prefix(length);
    if (bytes.empty()) break;
    text += kReplacement;
    bytes.remove_prefix(1);
  }
  return text;
}

std::string CastLine(const CastHeader& header) {
  std::string environment;
  for (const auto& [name, value] : header.environment)
    environment += (environment.empty() ? "" : ", ") + Quoted(TextOf(name)) + ": " + Quoted(TextOf(value));
  return fmt::format(R"({{"version": 2, "width": {}, "height": {}, "timestamp": {}, "title": {}, "env": {{{}}}}})",
                     header.columns, header.rows, header.timestamp, Quoted(TextOf(header.title)), environment) +
         "\n";
}

std::string CastLines(const CastEvent& event) {
  return std::visit(
      Overloaded{
          [&](const CastOutput& it) { return LinesOfBytes(event.at, "o", it.bytes); },
          [&](const CastInput& it) { return LinesOfBytes(event.at, "i", it.bytes); },
          [&](const CastResize& it) { return CastLine(event.at, "r", fmt::format("{}x{}", it.columns, it.rows)); },
          [&](const CastLeftOut& it) { return CastLine(event.at, "n", std::to_string(it.bytes)); }},
      event.what);
}

tl::expected<std::optional<CastEvent>, std::string> CastReader::Take(std::string_view line) {
  const json parsed = json::parse(line, nullptr, false);
  if (parsed.is_discarded()) return Wrong("is no JSON");
  if (!header_) {
    auto header = HeaderOf(parsed);
    if (!header) return tl::unexpected(header.error());
    header_ = std::move(*header);
    return std::nullopt;
  }
  if (!parsed.is_array() || parsed.size() < 3 || !parsed[0].is_number() || !parsed[1].is_string() ||
      !parsed[2].is_string())
    return Wrong("is no event");
  const double seconds = parsed[0].get<double>();
  if (!(seconds >= 0 && seconds <= kLongest)) return Wrong("has no time");
  const auto& code = parsed[1].get_ref<const std::string&>();
  const auto& text = parsed[2].get_ref<const std::string&>();
  CastEvent event{std::llround(seconds * 1e6), {}};
  if (event.at < last_) return Wrong("is earlier than the one before it");
  last_ = event.at;
  const std::optional<std::string> raw = std::exchange(raw_, std::nullopt);
  if (code == "b") {
    raw_ = BytesOfBase64(text);
    if (!raw_) return Wrong("has no bytes");
    return std::nullopt;
  }
  if (raw && ((code != "o" && code != "i") || TextOf(*raw) != text)) return Wrong("differs from its bytes");
  if (code == "o") {
    event.what = CastOutput{raw.value_or(text)};
  } else if (code == "i") {
    event.what = CastInput{raw.value_or(text)};
  } else if (code == "r") {
    const auto resize = ResizeOf(text);
    if (!resize) return Wrong("has no size");
    event.what = *resize;
  } else if (code == "n") {
    const auto count = NumberIn<int64_t>(text, INT64_MAX);
    if (!count) return Wrong("has no count");
    event.what = CastLeftOut{*count};
  } else {
    return std::nullopt;
  }
  return event;
}

}  // namespace yellow::access
