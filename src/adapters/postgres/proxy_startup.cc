#include "adapters/postgres/proxy_startup.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace yellow::adapters::postgres {
namespace {

constexpr uint32_t kProtocol3 = 3U << 16;
constexpr uint32_t kCancelRequest = 80877102, kSslRequest = 80877103, kGssRequest = 80877104;
constexpr std::string_view kExtensionPrefix = "_pq_.";
constexpr std::array<std::string_view, 4> kSafe{"DateStyle", "IntervalStyle", "TimeZone", "extra_float_digits"};

uint32_t NumberAt(std::string_view bytes, size_t at) {
  uint32_t number = 0;
  for (size_t i = at; i < at + 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

std::string Number(uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xFF);
  return bytes;
}

std::string Text(std::string_view text) { return std::string(text) + '\0'; }

std::string Message(char type, const std::string& body) {
  return type + Number(static_cast<uint32_t>(body.size()) + 4) + body;
}

StartupRefusal Malformed() { return {"08P01", "the startup packet is malformed"}; }

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

std::variant<EncryptionRequest, CancelKey, Startup, StartupRefusal> ReadStartup(std::string_view body) {
  if (body.size() < 4) return Malformed();
  const uint32_t code = NumberAt(body, 0);
  if (code == kSslRequest || code == kGssRequest) {
    if (body.size() != 4) return Malformed();
    return EncryptionRequest{};
  }
  if (code == kCancelRequest) {
    if (body.size() != 12) return Malformed();
    return CancelKey{NumberAt(body, 4), NumberAt(body, 8)};
  }
  if (code >> 16 != 3) return StartupRefusal{"0A000", "only protocol 3 of PostgreSQL is spoken here"};
  Startup startup;
  startup.negotiate = code != kProtocol3;
  std::string_view rest = body.substr(4);
  const auto take = [&rest](std::string& text) {
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos) return false;
    text = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return true;
  };
  std::string name, value;
  while (take(name) && !name.empty()) {
    if (!take(value)) return Malformed();
    if (name.starts_with(kExtensionPrefix)) {
      startup.negotiate = true;
      startup.unknown_extensions.push_back(name);
    } else if (SameName(name, "replication")) {
      return StartupRefusal{"0A000", "there is no replication in a recorded session"};
    } else {
      startup.parameters.insert_or_assign(name, value);
    }
  }
  if (!name.empty() || !rest.empty()) return Malformed();
  return startup;
}

std::string SafeOptions(const std::map<std::string, std::string>& parameters) {
  std::string options;
  for (const auto& [name, value] : parameters) {
    const auto safe =
        std::find_if(kSafe.begin(), kSafe.end(), [&](std::string_view one) { return SameName(one, name); });
    if (safe == kSafe.end()) continue;
    options += " -c " + std::string(*safe) + "=";
    for (const char c : value) {
      if (c == '\\' || std::isspace(static_cast<unsigned char>(c)) != 0) options += '\\';
      options += c;
    }
  }
  return options;
}

std::string FatalMessage(std::string_view sqlstate, std::string_view message) {
  std::string body = Text("SFATAL") + Text("VFATAL");
  body += 'C' + Text(sqlstate);
  body += 'M' + Text(message);
  return Message('E', body + '\0');
}

std::string Welcome(const Startup& startup, const std::vector<std::pair<std::string, std::string>>& settings,
                    const CancelKey& key) {
  std::string welcome;
  if (startup.negotiate) {
    std::string body = Number(kProtocol3) + Number(static_cast<uint32_t>(startup.unknown_extensions.size()));
    for (const std::string& name : startup.unknown_extensions) body += Text(name);
    welcome += Message('v', body);
  }
  welcome += Message('R', Number(0));
  for (const auto& [name, value] : settings) welcome += Message('S', Text(name) + Text(value));
  return welcome + Message('K', Number(key.process) + Number(key.secret)) + Message('Z', "I");
}

}  // namespace yellow::adapters::postgres
