#include "access/terminal_frames.h"
#include "base/check.h"
#include "input.h"

using namespace yellow;

namespace {

/// The frames of a stream that comes in pieces of that size, as they are sent, and whether it broke.
std::string Taken(const std::string& stream, size_t piece) {
  access::FrameReader reader;
  std::string taken;
  for (size_t at = 0; at < stream.size(); at += piece) {
    reader.Feed(std::string_view(stream).substr(at, piece));
    while (const auto frame = reader.Next()) taken += access::BytesOf(frame->type, frame->payload);
  }
  return taken + (reader.broken() ? "broken" : "");
}

}  // namespace

/// A stream is the same in whatever pieces it comes, and its frames are its beginning; what is in them is read or refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string stream = fuzz::Text(data, size);
  const std::string whole = Taken(stream, stream.size() + 1);
  YELLOW_CHECK(whole == Taken(stream, 1));
  YELLOW_CHECK(whole == Taken(stream, 7));
  YELLOW_CHECK(stream.starts_with(whole.substr(0, whole.size() - (whole.ends_with("broken") ? 6 : 0))) || stream.starts_with(whole));
  if (const auto resize = access::SizeOf(stream)) YELLOW_CHECK(access::SizeOf(PayloadOf(*resize)) == resize);
  if (const auto end = access::EndOf(stream)) YELLOW_CHECK(access::EndOf(PayloadOf(*end)) == end);
  return 0;
}
