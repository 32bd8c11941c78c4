#include "adapters/kubernetes/reply.h"

#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace yellow::adapters::kubernetes {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostOfMessage = 1000;

std::string TextAt(const Json& object, const char* field) {
  const auto found = object.is_object() ? object.find(field) : object.end();
  return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// `Status` objects say what was wrong; a proxy in between may answer with anything.
Json StatusOf(const std::string& body) {
  Json status = Json::parse(body, nullptr, false);
  return TextAt(status, "kind") == "Status" ? std::move(status) : Json::object();
}

ApiError ErrorOf(const std::string& what, int status, const Json& said, int retry_after) {
  std::string message = TextAt(said, "message");
  if (message.empty()) message = "the API server answered with status " + std::to_string(status);
  if (message.size() > kMostOfMessage)
    message.resize(base::LengthOfText(std::string_view(message).substr(0, kMostOfMessage)));
  ApiError error(what + ": " + message, status);
  error.reason = TextAt(said, "reason");
  error.retry_after = retry_after;
  // 504 and 500 may come after the change was made; only who was turned away at the door knows that it was not.
  error.Retryable(status == 429 || status >= 500).OutcomeUnknown(status >= 500 && status != 503);
  if (status == 401) error.Remedy("the token or certificate is not known to this cluster, or has expired");
  if (status == 403) error.Remedy("give the service account a role that allows it");
  return error;
}

}  // namespace

bool IsRefusal(const ApiError& error) { return error.status == 401 || error.status == 403; }

Reply Classify(const std::string& what, int status, std::string body, int retry_after) {
  if (status >= 200 && status < 300) return {Outcome::kDone, std::move(body)};
  const Json said = StatusOf(body);
  // A 404 that is not the API's own is a wrong address, not an absent object.
  if (status == 404 && !said.empty()) return {Outcome::kNotFound, std::move(body)};
  if (status == 409 && !said.empty())
    return {TextAt(said, "reason") == "AlreadyExists" ? Outcome::kExists : Outcome::kConflict, std::move(body)};
  if (status == 410) return {Outcome::kTooOld, std::move(body)};
  throw ErrorOf(what, status, said, retry_after);
}

namespace {

std::optional<WatchEvent::Kind> KindOf(const std::string& type) {
  if (type == "ADDED") return WatchEvent::Kind::kAdded;
  if (type == "MODIFIED") return WatchEvent::Kind::kModified;
  if (type == "DELETED") return WatchEvent::Kind::kDeleted;
  if (type == "BOOKMARK") return WatchEvent::Kind::kBookmark;
  return std::nullopt;
}

ApiError Nonsense(const std::string& message) {
  ApiError error(message, 0);
  error.Retryable();
  return error;
}

ApiError NoEvent() { return Nonsense("watch: the API server sent what is no event"); }

/// The text without what most of an object is and no caller reads: what was asked for, and who has written which field.
/// `depth`: how many objects and lists enclose the object's own fields, itself included.
Json ParseObjects(std::string_view text, int depth) {
  const auto wanted = [depth](int at, Json::parse_event_t event, const Json& parsed) {
    if (event != Json::parse_event_t::key) return true;
    const auto& key = parsed.get_ref<const std::string&>();
    return (at != depth || key != "spec") && (at != depth + 1 || key != "managedFields");
  };
  return Json::parse(text, wanted, false);
}

/// An object that a version and a name belong to; none if it has no metadata.
std::optional<WatchEvent> ObjectOf(WatchEvent::Kind kind, const Json& object) {
  const auto metadata = object.is_object() ? object.find("metadata") : object.end();
  if (!object.is_object() || metadata == object.end() || !metadata->is_object()) return std::nullopt;
  return WatchEvent{kind, object.dump(), TextAt(*metadata, "name"), TextAt(*metadata, "resourceVersion")};
}

/// An event, or the outcome that ends the watch.
std::optional<WatchEvent> EventOf(std::string_view line) {
  const Json read = ParseObjects(line, 2);
  const auto found = read.is_object() ? read.find("object") : read.end();
  if (!read.is_object() || found == read.end() || !found->is_object()) throw NoEvent();
  const Json& object = *found;
  if (TextAt(read, "type") == "ERROR") {
    const Json code = object.value("code", Json());
    const int status = code.is_number_integer() ? code.get<int>() : 500;
    if (status == 410) return std::nullopt;
    throw ErrorOf("watch", status, object, 0);
  }
  const std::optional<WatchEvent::Kind> kind = KindOf(TextAt(read, "type"));
  std::optional<WatchEvent> event = kind ? ObjectOf(*kind, object) : std::nullopt;
  if (!event) throw NoEvent();
  return event;
}

}  // namespace

ListPage ReadList(const std::string& body) {
  const Json page = ParseObjects(body, 3);
  const auto items = page.is_object() ? page.find("items") : page.end();
  const auto metadata = page.is_object() ? page.find("metadata") : page.end();
  if (!page.is_object() || items == page.end() || !items->is_array() || metadata == page.end())
    throw Nonsense("list: the API server sent what is no list");
  ListPage read{{}, TextAt(*metadata, "resourceVersion"), TextAt(*metadata, "continue")};
  for (const Json& item : *items) {
    std::optional<WatchEvent> object = ObjectOf(WatchEvent::Kind::kAdded, item);
    if (!object) throw Nonsense("list: the API server sent an object without metadata");
    read.items.push_back(std::move(*object));
  }
  return read;
}

std::optional<Outcome> WatchStream::Feed(std::string_view bytes, const std::function<bool(const WatchEvent&)>& take) {
  rest_ += bytes;
  size_t begin = 0;
  for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    const std::string_view line = std::string_view(rest_).substr(begin, end - begin);
    begin = end + 1;
    if (line.empty()) continue;
    const std::optional<WatchEvent> event = EventOf(line);
    if (!event) return Outcome::kTooOld;
    if (!take(*event)) return Outcome::kDone;
  }
  rest_.erase(0, begin);
  if (rest_.size() > kLongestLine) throw NoEvent();
  return std::nullopt;
}

}  // namespace yellow::adapters::kubernetes
