#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "ports/recorder.h"

/// Files that are written by one and read by others: chunks under a key that is made for the file and sealed to each
/// recipient. The writer forgets the key with the file, and cannot read what it wrote.
///
/// The file: `yellow-sealed-1\n`; the number of recipients, four bytes, the greatest first; for each crypto_box_seal of
/// the key; the header of crypto_secretstream_xchacha20poly1305. Then for each chunk two messages of that stream: its
/// length in four bytes, and itself; sealed lengths tell a changed one from an end. All that stands before the first
/// chunk is authenticated with it. The last message has the tag FINAL.
namespace yellow::adapters::recorder {

struct FileSummary {
  int64_t bytes = 0;
  std::string digest;  ///< SHA-256, hexadecimal
};

/// Of a file as it is. Throws base::Error.
FileSummary SummaryOf(const std::string& path);

/// Appends to a new file. Every method throws base::Error when the file cannot be written; it is good for nothing then.
class SealedWriter {
 public:
  /// Makes the file (0600), which must not be there. `recipients`: public keys as texts, at least one.
  static std::unique_ptr<SealedWriter> Make(const std::string& path, const std::vector<std::string>& recipients);
  virtual ~SealedWriter() = default;
  /// The system has the chunk when this returns: it is read again whatever becomes of this process. At most kLargest.
  virtual void Write(std::string_view chunk) = 0;
  /// The disk has what was written: it outlives the machine's power.
  virtual void Sync() = 0;
  /// Nothing more comes: the file ends properly, and the disk has it.
  virtual FileSummary Finish() = 0;

  static constexpr size_t kLargest = size_t{1} << 20;
};

class SealedReader {
 public:
  /// `key`: the bytes of a recipient's private key. Throws base::Error when the file cannot be read, is no sealed file,
  /// or is sealed to others.
  static std::unique_ptr<SealedReader> Open(const std::string& path, const base::Secret& key);
  virtual ~SealedReader() = default;
  /// The next chunk; nothing at the end, of which `state` tells. Throws base::Error when the disk cannot be read.
  virtual std::optional<std::string> Next() = 0;
  /// REQUIRES: Next has returned nothing.
  virtual ports::RecordingState state() const = 0;
};

}  // namespace yellow::adapters::recorder
