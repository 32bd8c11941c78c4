#include "adapters/postgres/proxy_startup.h"
#include "adapters/postgres/wire.h"
#include "base/check.h"
#include "input.h"

using namespace yellow;
using namespace yellow::adapters::postgres;

namespace {

/// What a wire says and lets through of a script: bytes 0xFE and 0xFF say from which side the next ones come.
struct Played : Wire::Out {
  bool Take(decltype(ports::WireEvent::what), int64_t number) override {
    YELLOW_CHECK(number == ++events);
    return events != refused;
  }
  void Pass(std::string_view bytes) override { (from_client ? to_server : to_client) += bytes; }

  void Play(std::string_view script, size_t piece) {
    std::string held;
    const auto feed = [&] {
      for (size_t at = 0; at < held.size();) {
        const size_t taken = wire.FromClient(std::string_view(held).substr(at, piece), *this);
        at += taken;
        if (taken == 0 || !wire.broken().empty()) {
          held.erase(0, at);
          return;
        }
      }
      held.clear();
    };
    while (!script.empty() && wire.broken().empty()) {
      from_client = script[0] != '\xFF';
      script.remove_prefix(script[0] == '\xFF' || script[0] == '\xFE' ? 1 : 0);
      const std::string_view bytes = script.substr(0, script.find_first_of("\xFE\xFF"));
      script.remove_prefix(bytes.size());
      if (from_client) {
        held += bytes;
      } else {
        for (size_t at = 0; at < bytes.size() && wire.broken().empty(); at += piece)
          wire.FromServer(bytes.substr(at, piece), *this);
        from_client = true;
      }
      if (wire.broken().empty()) feed();
    }
  }

  Wire wire;
  bool from_client = true;
  int64_t events = 0, refused = -1;
  std::string to_server, to_client;
};

}  // namespace

/// A conversation is the same in whatever pieces it comes; what follows an event that is refused goes no further.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = fuzz::Text(data, size);
  Played whole, bytes, refused;
  whole.Play(text, text.size() + 1);
  bytes.Play(text, 1);
  YELLOW_CHECK(whole.events == bytes.events && whole.wire.broken() == bytes.wire.broken());
  if (whole.wire.broken().empty())
    YELLOW_CHECK(whole.to_server == bytes.to_server && whole.to_client == bytes.to_client);
  refused.refused = whole.events;
  refused.Play(text, text.size() + 1);
  if (whole.events > 0) YELLOW_CHECK(!refused.wire.broken().empty());
  YELLOW_CHECK(whole.to_server.starts_with(refused.to_server) || !whole.wire.broken().empty());
  const auto startup = ReadStartup(text);
  if (const auto* session = std::get_if<Startup>(&startup)) SafeOptions(session->parameters);
  return 0;
}
