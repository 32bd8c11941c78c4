#include "cli/views/recording_json.h"

#include "access/base64.h"
#include "cli/views/status_view.h"

namespace yellow::cli {
namespace {

using access::CastEvent;
using access::CastInput;
using access::CastLeftOut;
using access::CastOutput;
using access::CastResize;
using ports::RecordingState;

const char* KindOf(const CastEvent& event) {
  constexpr std::array kKinds{"output", "input", "resize", "left_out"};
  return kKinds[event.what.index()];
}

/// Null when the event has none.
const std::string* BytesIn(const CastEvent& event) {
  if (const auto* output = std::get_if<CastOutput>(&event.what)) return &output->bytes;
  if (const auto* input = std::get_if<CastInput>(&event.what)) return &input->bytes;
  return nullptr;
}

std::optional<std::string> TextIn(const CastEvent& event) {
  const std::string* bytes = BytesIn(event);
  return bytes == nullptr ? std::nullopt : std::optional(access::TextOf(*bytes));
}

std::optional<std::string> ExactIn(const CastEvent& event) {
  const std::string* bytes = BytesIn(event);
  return bytes == nullptr || access::TextOf(*bytes) == *bytes ? std::nullopt : std::optional(access::Base64Of(*bytes));
}

template <typename T, typename Number>
auto NumberOf(Number T::* member) {
  return [member](const CastEvent& event) {
    const T* it = std::get_if<T>(&event.what);
    return it == nullptr ? std::nullopt : std::optional(it->*member);
  };
}

const Record<CastEvent>& EventRecord() {
  static const Record<CastEvent> record =
      Record<CastEvent>()
          .Field("at", "Seconds since the start.",
                 [](const CastEvent& event) { return static_cast<double>(event.at) / 1e6; })
          .Word("kind", "What happened; left_out: input that the terminal did not show either, as a password.",
                {"output", "input", "resize", "left_out"}, KindOf)
          .Field("text", "What was shown or typed, U+FFFD for what is not UTF-8.", TextIn)
          .Field("bytes", "The same exactly, in base64, when some of it is not UTF-8.", ExactIn)
          .Field("columns", "The terminal's new size.", NumberOf(&CastResize::columns))
          .Field("rows", "The terminal's new size.", NumberOf(&CastResize::rows))
          .Field("left_out", "How many bytes were typed.", NumberOf(&CastLeftOut::bytes));
  return record;
}

const char* StateOf(const ReadRecording& recording) {
  constexpr std::array kStates{"complete", "cut", "changed"};
  return kStates[static_cast<size_t>(recording.state)];
}

}  // namespace

std::string WhyNotComplete(RecordingState state) {
  switch (state) {
    case RecordingState::kComplete:
      return "";
    case RecordingState::kCut:
      return "the recording is cut: its end is missing";
    case RecordingState::kChanged:
      return "the recording was changed: what follows is not as it was written";
  }
  return "";
}

const Record<MadeKey>& MadeKeyRecord() {
  static const Record<MadeKey> record =
      Record<MadeKey>()
          .Field("key", "The file of the private key.", &MadeKey::path)
          .Word("state", "It was made.", {"made"}, [](const MadeKey&) { return "made"; })
          .NoReason()
          .Field("public_key", "What recordings are sealed to, as the model takes it.", &MadeKey::public_key);
  return record;
}

const Record<ReadRecording>& ReadRecordingRecord() {
  const auto of_header = [](auto member) { return [member](const ReadRecording& it) { return it.header.*member; }; };
  static const Record<ReadRecording> record =
      Record<ReadRecording>()
          .Field("key", "The file.", &ReadRecording::path)
          .Word("state", "How far it could be read.", {"complete", "cut", "changed"}, StateOf)
          .Reason(
              "reason", "Why it is not complete.",
              [](const ReadRecording& it) {
                return it.state == RecordingState::kComplete ? "" : std::string(StateOf(it));
              },
              [](const ReadRecording& it) { return WhyNotComplete(it.state); })
          .Field("title", "What the session was for.", of_header(&access::CastHeader::title))
          .Time("started_at", "When it began.",
                [](const ReadRecording& it) {
                  return Rfc3339(ports::TimePoint(std::chrono::seconds(it.header.timestamp)));
                })
          .Field("columns", "The terminal's size at first.", of_header(&access::CastHeader::columns))
          .Field("rows", "The terminal's size at first.", of_header(&access::CastHeader::rows))
          .List("events", "What happened, in order.", EventRecord(), &ReadRecording::events);
  return record;
}

}  // namespace yellow::cli
