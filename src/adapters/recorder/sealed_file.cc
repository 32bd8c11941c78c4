#include "adapters/recorder/sealed_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "adapters/recorder/failure.h"
#include "adapters/recorder/review_key.h"
#include "base/error.h"
#include "base/hex.h"

namespace yellow::adapters::recorder {
namespace {

constexpr std::string_view kMagic = "yellow-sealed-1\n";
constexpr size_t kMostRecipients = 256;
constexpr size_t kKey = crypto_secretstream_xchacha20poly1305_KEYBYTES;
constexpr size_t kHeader = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
constexpr size_t kMore = crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr size_t kBox = kKey + crypto_box_SEALBYTES;
constexpr size_t kLength = 4;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string LengthBytes(size_t length) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(length >> shift & 255);
  return bytes;
}

size_t LengthIn(std::string_view bytes) {
  size_t length = 0;
  for (const char c : bytes) length = length << 8 | static_cast<unsigned char>(c);
  return length;
}

/// A file descriptor that is closed with this object.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

/// A file key or the state of a stream, wiped with this object.
template <typename T>
struct Wiped {
  T it{};
  Wiped() = default;
  ~Wiped() { sodium_memzero(&it, sizeof it); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
};
using Key = Wiped<std::array<unsigned char, kKey>>;
using Stream = Wiped<crypto_secretstream_xchacha20poly1305_state>;

class FileWriter : public SealedWriter {
 public:
  FileWriter(const std::string& path, int file) : path_(path), file_(file) { crypto_hash_sha256_init(&hash_); }

  void Begin(const std::vector<PublicKey>& recipients) {
    Key key;
    crypto_secretstream_xchacha20poly1305_keygen(key.it.data());
    std::string head = std::string(kMagic) + LengthBytes(recipients.size());
    for (const PublicKey& recipient : recipients) {
      std::string box(kBox, '\0');
      if (crypto_box_seal(Bytes(box), key.it.data(), key.it.size(), recipient.data()) != 0)
        throw base::Error("recorder", "cannot seal to a public key of a reviewer");
      head += box;
    }
    std::string header(kHeader, '\0');
    crypto_secretstream_xchacha20poly1305_init_push(&stream_.it, Bytes(header), key.it.data());
    head_ = head + header;
    Append(head_);
    Sync();
    SyncFolder();
  }

  void Write(std::string_view chunk) override {
    if (chunk.size() > kLargest) throw base::Error("recorder", "a chunk is too large [this is a bug in yellow]");
    Put(chunk, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
  }

  void Sync() override {
    if (fdatasync(file_.get()) != 0) throw Failure("cannot write " + path_);
  }

  FileSummary Finish() override {
    Put("", crypto_secretstream_xchacha20poly1305_TAG_FINAL);
    Sync();
    std::string digest(crypto_hash_sha256_BYTES, '\0');
    crypto_hash_sha256_final(&hash_, Bytes(digest));
    return {bytes_, base::HexOf(digest)};
  }

 private:
  void Put(std::string_view chunk, unsigned char tag) {
    // Both in one write, so that a full disk or a crash rarely leaves half of them; a reader takes either.
    std::string message = Sealed(LengthBytes(chunk.size()), crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
    message += Sealed(chunk, tag);
    Append(message);
  }

  std::string Sealed(std::string_view message, unsigned char tag) {
    std::string sealed(message.size() + kMore, '\0');
    crypto_secretstream_xchacha20poly1305_push(&stream_.it, Bytes(sealed), nullptr, Bytes(message), message.size(),
                                               Bytes(head_), head_.size(), tag);
    head_.clear();  // it is authenticated once
    return sealed;
  }

  void Append(std::string_view bytes) {
    crypto_hash_sha256_update(&hash_, Bytes(bytes), bytes.size());
    bytes_ += static_cast<int64_t>(bytes.size());
    while (!bytes.empty()) {
      const ssize_t wrote = write(file_.get(), bytes.data(), bytes.size());
      if (wrote < 0 && errno != EINTR) throw Failure("cannot write " + path_);
      if (wrote > 0) bytes.remove_prefix(static_cast<size_t>(wrote));
    }
  }

  /// The name of a new file is safe only with its folder.
  void SyncFolder() const {
    const std::string parent = std::filesystem::path(path_).parent_path().string();
    const File folder(open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0 || fsync(folder.get()) != 0) throw Failure("cannot write the folder of " + path_);
  }

  std::string path_;
  File file_;
  Stream stream_;
  std::string head_;  // until the first message
  crypto_hash_sha256_state hash_{};
  int64_t bytes_ = 0;
};

class FileReader : public SealedReader {
 public:
  FileReader(const std::string& path, int file) : path_(path), file_(file) {}

  void Begin(const base::Secret& private_key) {
    head_ = Take(kMagic.size() + kLength);
    const size_t count = head_.starts_with(kMagic) ? LengthIn(std::string_view(head_).substr(kMagic.size())) : 0;
    if (head_.size() < kMagic.size() + kLength || count == 0 || count > kMostRecipients)
      throw base::Error("recorder", path_ + " is no recording");
    const auto* secret = Bytes(private_key.Reveal());
    unsigned char mine[crypto_box_PUBLICKEYBYTES];
    crypto_scalarmult_base(mine, secret);
    Key key;
    bool opened = false;
    for (size_t i = 0; i < count; ++i) {
      const std::string box = Take(kBox);
      opened |= box.size() == kBox && !opened &&
                crypto_box_seal_open(key.it.data(), Bytes(box), box.size(), mine, secret) == 0;
      head_ += box;
    }
    if (!opened) throw base::Error("recorder", path_ + " is not sealed to this key, or its beginning was changed");
    const std::string header = Take(kHeader);
    head_ += header;
    // The disk has all of this before a session begins.
    if (header.size() < kHeader)
      throw base::Error("recorder", path_ + " is too short: its beginning is cut or was changed");
    crypto_secretstream_xchacha20poly1305_init_pull(&stream_.it, Bytes(header), key.it.data());
  }

  std::optional<std::string> Next() override {
    if (at_end_) return std::nullopt;
    unsigned char tag = 0;
    const auto length = Opened(kLength, tag);
    if (!length) return std::nullopt;
    const size_t size = LengthIn(*length);
    if (size > SealedWriter::kLargest) return End(ports::RecordingState::kChanged);
    auto chunk = Opened(size, tag);
    if (!chunk) return std::nullopt;
    if (tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL) return chunk;
    return End(Take(1).empty() ? ports::RecordingState::kComplete : ports::RecordingState::kChanged);
  }

  ports::RecordingState state() const override { return state_; }

 private:
  std::nullopt_t End(ports::RecordingState state) {
    at_end_ = true;
    state_ = state;
    return std::nullopt;
  }

  /// The next message of the stream, which has this size.
  std::optional<std::string> Opened(size_t size, unsigned char& tag) {
    const std::string sealed = Take(size + kMore);
    if (sealed.size() < size + kMore) return End(ports::RecordingState::kCut);
    std::string message(size, '\0');
    if (crypto_secretstream_xchacha20poly1305_pull(&stream_.it, Bytes(message), nullptr, &tag, Bytes(sealed),
                                                   sealed.size(), Bytes(head_), head_.size()) != 0)
      return End(ports::RecordingState::kChanged);
    head_.clear();
    return message;
  }

  /// As many bytes; fewer at the end of the file.
  std::string Take(size_t wanted) {
    std::string bytes(wanted, '\0');
    size_t done = 0;
    while (done < wanted) {
      const ssize_t got = read(file_.get(), bytes.data() + done, wanted - done);
      if (got < 0 && errno != EINTR) throw Failure("cannot read " + path_);
      if (got == 0) break;
      if (got > 0) done += static_cast<size_t>(got);
    }
    bytes.resize(done);
    return bytes;
  }

  std::string path_;
  File file_;
  Stream stream_;
  std::string head_;
  bool at_end_ = false;
  ports::RecordingState state_ = ports::RecordingState::kCut;
};

int OpenToRead(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Failure("cannot read " + path);
  return file;
}

}  // namespace

FileSummary SummaryOf(const std::string& path) {
  const File file(OpenToRead(path));
  crypto_hash_sha256_state hash;
  crypto_hash_sha256_init(&hash);
  std::string buffer(size_t{1} << 16, '\0'), digest(crypto_hash_sha256_BYTES, '\0');
  int64_t bytes = 0;
  while (const ssize_t got = read(file.get(), buffer.data(), buffer.size())) {
    if (got < 0 && errno != EINTR) throw Failure("cannot read " + path);
    if (got < 0) continue;
    crypto_hash_sha256_update(&hash, Bytes(buffer), static_cast<size_t>(got));
    bytes += got;
  }
  crypto_hash_sha256_final(&hash, Bytes(digest));
  return {bytes, base::HexOf(digest)};
}

std::unique_ptr<SealedWriter> SealedWriter::Make(const std::string& path, const std::vector<std::string>& recipients) {
  std::vector<PublicKey> keys;
  for (const std::string& recipient : recipients) {
    const auto key = ParsePublicKey(recipient);
    if (!key) throw base::Error("recorder", "no public key of a reviewer: " + recipient);
    keys.push_back(*key);
  }
  if (keys.empty() || keys.size() > kMostRecipients)
    throw base::Error("recorder", keys.empty() ? "a recording needs a reviewer's key: without one nobody could read it"
                                               : "a recording takes the keys of 256 reviewers at most");
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) throw Failure("cannot make " + path);
  auto writer = std::make_unique<FileWriter>(path, file);
  writer->Begin(keys);
  return writer;
}

std::unique_ptr<SealedReader> SealedReader::Open(const std::string& path, const base::Secret& key) {
  auto reader = std::make_unique<FileReader>(path, OpenToRead(path));
  reader->Begin(key);
  return reader;
}

}  // namespace yellow::adapters::recorder
