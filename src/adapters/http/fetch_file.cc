#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
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

/// An open file that has no name: nobody else finds it, and it goes with the process however that ends.
class NamelessFile {
 public:
  NamelessFile() {
    std::error_code none;
    std::string name = (std::filesystem::temp_directory_path(none) / "yellow-fetched-XXXXXX").string();
    descriptor_ = mkostemp(name.data(), O_CLOEXEC);
    if (descriptor_ < 0 || unlink(name.c_str()) != 0)
      throw base::Error("file", "cannot make a file in the folder for temporary files: " + std::string(strerror(errno)))
          .Remedy("name another folder: TMPDIR");
  }
  ~NamelessFile() {
    if (descriptor_ >= 0) close(descriptor_);
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
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  int64_t bytes() const { return bytes_; }
  std::string Digest() { return hash_.Hex(); }

 private:
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

ports::FetchedFile FetchFile(const std::string& socket, const std::string& path) {
  const CurlHandle handle(curl_easy_init(), &curl_easy_cleanup);
  if (handle == nullptr) throw base::Error("no_service", "out of memory").Retryable();
  const auto file = std::make_shared<NamelessFile>();
  Fetching fetching{handle.get(), *file, "", ""};
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, ("http://yellow" + path).c_str());
  curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &TakeBytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &fetching);
  const CURLcode done = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  if (status == 0) throw NoService(socket, curl_easy_strerror(done));
  if (done != CURLE_OK)
    throw base::Error("fetch", "the service has not given the whole file: " +
                                   (fetching.failure.empty() ? curl_easy_strerror(done) : fetching.failure))
        .Retryable();
  ports::FetchedFile fetched;
  fetched.answer.status = static_cast<int>(status);
  fetched.answer.body = std::move(fetching.refusal);
  if (status != kFound) return fetched;
  fetched.path = file->path();
  fetched.bytes = file->bytes();
  fetched.sha256 = file->Digest();
  fetched.kept = file;
  return fetched;
}

}  // namespace yellow::adapters::http
