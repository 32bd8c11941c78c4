#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace yellow::plan {

/// A database as `postgresql://[user@]host[:port]/database[?sslmode=…]` names it (section 34.1.1.2 of PostgreSQL's
/// manual, of which one host and the parameters sslmode and host are taken).
struct SourceAddress {
  std::string user, host, database, sslmode = "prefer";
  int port = 5432;
  bool operator==(const SourceAddress&) const = default;
};

/// Or what is wrong, as a clause. An address with a password is refused: it would come to stand in a file.
std::variant<SourceAddress, std::string> ParseSourceAddress(std::string_view text);

}  // namespace yellow::plan
