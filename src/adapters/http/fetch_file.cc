#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "adapters/http/curl_answer.h"
#include "adapters/http/local_door.h"
#include "base/digest.h"
#include "base/error.h"

namespace yellow::adapters::http {
namespace {

constexpr long kFound = 200;
constexpr size_t kMostOfRefusal = 65536;
constexpr long kStalledSeconds = 30;

/// An open file that is its owner's alone. Without a place to stay it has no name: nobody else finds it, and it goes
/// with the process however that ends.
class NamelessFile {
 public:
  explicit NamelessFile(const std::string& to) : to_(to), name_(to) {
    std::error_code none;
    if (to.empty()) name_ = (std::filesystem::temp_directory_path(none) / "yellow-fetched").string();
    name_ += "-XXXXXX";
    descriptor_ = mkostemp(name_.data(), O_CLOEXEC);
    if (descriptor_ < 0 && !to.empty())
      throw base::Error("file", "cannot write " + to + ": " + std::string(strerror(errno)));
    if (descriptor_ < 0 || (to.empty() && unlink(name_.c_str()) != 0))
      throw base::Error("file", "cannot make a file in the folder for temporary files: " + std::string(strerror(errno)))
          .Remedy("name another folder: TMPDIR");
  }
  ~NamelessFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!to_.empty()) unlink(name_.c_str());
  }
  NamelessFile(const NamelessFile&) = delete;
  NamelessFile& operator=(const NamelessFile&) = delete;

  bool Append(std::string_view bytes) {
    hash_.Add(bytes);
    bytes_ += static_cast<int64_t>(bytes.size());
    while (!bytes.empty()) {
      const ssize_t wrote = write(descriptor_, bytes.data(), bytes.size());
      if (wrote < 0 && errno != EINTR) return false;
      if (wrote > 0) bytes.remove_prefix(static_cast<size_t>(wrote));
    }
    return true;
  }
  /// Where it is to stay it is now, on disk.
  void Keep() const {
    if (to_.empty()) return;
    if (fsync(descriptor_) != 0 || link(name_.c_str(), to_.c_str()) != 0)
      throw base::Error("file", "cannot write " + to_ + ": " + std::string(strerror(errno)));
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  int64_t bytes() const { return bytes_; }
  std::string Digest() { return hash_.Hex(); }

 private:
  const std::string to_;
  std::string name_;
  int descriptor_ = -1;
  int64_t bytes_ = 0;
  base::Sha256 hash_;
};

struct Fetching {
  CURL* handle;
  NamelessFile& file;
  std::string refusal;
  std::string failure;
};

size_t TakeBytes(char* data, size_t size, size_t count, void* to) {
  auto& fetching = *static_cast<Fetching*>(to);
  const std::string_view bytes(data, size * count);
  long status = 0;
  curl_easy_getinfo(fetching.handle, CURLINFO_RESPONSE_CODE, &status);
  if (status != kFound) {
    fetching.refusal += bytes.substr(0, kMostOfRefusal - std::min(kMostOfRefusal, fetching.refusal.size()));
    return bytes.size();
  }
  if (fetching.file.Append(bytes)) return bytes.size();
  fetching.failure = std::string("cannot keep it: ") + strerror(errno);
  return 0;
}

}  // namespace

namespace {

/// A call that may take as long as something comes. Returns its status; throws when there is none.
long Perform(CURL* curl, const std::string& socket, const std::string& path, CURLcode& done) {
  curl_easy_setopt(curl, CURLOPT_URL, ("http://yellow" + path).c_str());
  curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  done = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status == 0) throw NoService(socket, curl_easy_strerror(done));
  return status;
}

struct Streaming {
  CURL* handle;
  const std::function<bool(std::string_view)>& take;
  std::chrono::steady_clock::time_point heard = std::chrono::steady_clock::now();
  std::string refusal = {};
  bool enough = false;
};

/// A single byte now and then says that it goes on, which is less than the slowest speed that curl can be told.
int IsStalled(void* of, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto silence = std::chrono::steady_clock::now() - static_cast<const Streaming*>(of)->heard;
  return silence > std::chrono::seconds(kStalledSeconds) ? 1 : 0;
}

size_t TakeStream(char* data, size_t size, size_t count, void* to) {
  auto& streaming = *static_cast<Streaming*>(to);
  streaming.heard = std::chrono::steady_clock::now();
  const std::string_view bytes(data, size * count);
  long status = 0;
  curl_easy_getinfo(streaming.handle, CURLINFO_RESPONSE_CODE, &status);
  if (status != kFound) {
    streaming.refusal += bytes.substr(0, kMostOfRefusal - std::min(kMostOfRefusal, streaming.refusal.size()));
    return bytes.size();
  }
  streaming.enough = !streaming.take(bytes);
  return streaming.enough ? 0 : bytes.size();
}

}  // namespace

ports::FetchedFile FetchFile(const std::string& socket, const std::string& path, const std::string& to) {
  const CurlHandle handle(curl_easy_init(), &curl_easy_cleanup);
  if (handle == nullptr) throw base::Error("no_service", "out of memory").Retryable();
  const auto file = std::make_shared<NamelessFile>(to);
  Fetching fetching{handle.get(), *file, "", ""};
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &TakeBytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &fetching);
  CURLcode done = CURLE_OK;
  const long status = Perform(curl, socket, path, done);
  if (done != CURLE_OK)
    throw base::Error("fetch", "the service has not given the whole file: " +
                                   (fetching.failure.empty() ? curl_easy_strerror(done) : fetching.failure))
        .Retryable();
  ports::FetchedFile fetched;
  fetched.answer.status = static_cast<int>(status);
  fetched.answer.body = std::move(fetching.refusal);
  if (status != kFound) return fetched;
  file->Keep();
  fetched.path = file->path();
  fetched.bytes = file->bytes();
  fetched.sha256 = file->Digest();
  fetched.kept = file;
  return fetched;
}

ports::DoorAnswer CallStream(const std::string& socket, const std::string& path,
                             const std::function<bool(std::string_view)>& take) {
  const CurlHandle handle(curl_easy_init(), &curl_easy_cleanup);
  if (handle == nullptr) throw base::Error("no_service", "out of memory").Retryable();
  Streaming streaming{handle.get(), take};
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &IsStalled);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &streaming);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &TakeStream);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &streaming);
  CURLcode done = CURLE_OK;
  const long status = Perform(curl, socket, path, done);
  if (done != CURLE_OK && !streaming.enough)
    throw base::Error("fetch", std::string("the service has not answered to the end: ") + curl_easy_strerror(done))
        .Retryable();
  ports::DoorAnswer answer;
  answer.status = static_cast<int>(status);
  answer.body = std::move(streaming.refusal);
  return answer;
}

}  // namespace yellow::adapters::http
