#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "ports/session_proxy.h"

namespace yellow::adapters::postgres {

inline constexpr size_t kMostTextKept = 64UL * 1024;
inline constexpr size_t kMostKeptOfMessage =
    1024UL * 1024;  // what is longer keeps sizes and digests of its last values

/// A text that comes in pieces, of which only the first part is kept.
class KeptText {
 public:
  explicit KeptText(size_t limit = kMostTextKept) : limit_(limit) {}
  void Add(std::string_view piece);
  ports::WireText Take();

 private:
  size_t limit_;
  ports::WireText text_;
  std::optional<base::Sha256> digest_;
};

/// Reads the fields of one message, whose body comes in pieces, in bounded memory.
/// https://www.postgresql.org/docs/15/protocol-message-formats.html
///
/// The layout is a word: `s` a text that ends in NUL, `1` `2` `4` a number of so many bytes, `(x)` a list of x after
/// its count, `v` a value after its length, `e` the fields of an ErrorResponse, `*` anything.
class WireFields {
 public:
  void Start(std::string_view layout);
  /// False when the bytes do not fit the layout; then nothing more may be fed.
  bool Feed(std::string_view piece);
  /// True when all of the layout was there.
  bool Complete() const { return want_ == Want::kEnd || want_ == Want::kAnything; }

  std::vector<ports::WireText> texts;            ///< of `s`, in order
  std::vector<uint32_t> numbers;                 ///< of `1`, `2`, `4` outside lists
  std::vector<std::vector<uint32_t>> lists;      ///< of `(2)`, `(4)`
  std::vector<ports::WireParameter> values;      ///< of `v`; the first list says which are binary
  std::map<char, ports::WireText> error_fields;  ///< by their code

 private:
  enum class Want { kText, kNumber, kBytes, kAnything, kEnd };

  /// What comes next after a field, or at the start.
  void Next();
  void Begin(char field);
  void WantNumber(int bytes);
  bool TakeNumber();
  bool TakeValueLength(uint32_t length);
  void TakeText();
  void TakeValue();
  size_t Room() const { return kept_ < kMostKeptOfMessage ? kMostKeptOfMessage - kept_ : 0; }
  bool IsBinary() const;

  std::string_view layout_;
  size_t at_ = 0;
  Want want_ = Want::kEnd;
  char field_ = 0;
  bool counting_ = false;  // the number that is awaited is the count of a list
  uint32_t repeats_ = 0;   // of the list's field, still to come
  bool in_list_ = false;
  uint64_t number_ = 0;
  int number_bytes_ = 0;
  int64_t value_left_ = 0;
  char error_code_ = 0;
  size_t kept_ = 0;
  KeptText text_;
};

}  // namespace yellow::adapters::postgres
