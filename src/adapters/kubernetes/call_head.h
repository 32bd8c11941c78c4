#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "access/cluster_call.h"

namespace yellow::adapters::kubernetes {

/// The head of a call of HTTP/1.1 (RFC 9112), read strictly: what two readers could read differently is refused.
struct CallHead {
  std::string method;
  std::string target;                                       ///< of origin form: /api/v1/pods?watch=true
  std::vector<std::pair<std::string, std::string>> fields;  ///< as they were sent, in order

  /// The value of the field that is there once; empty: it is not there. The name in small letters.
  std::string_view Field(std::string_view name) const;
};

/// More bytes than that are no head.
inline constexpr size_t kLongestHead = size_t{64} << 10;

/// `text`: up to and with the empty line. Else what is wrong with it, for the client.
tl::expected<CallHead, std::string> ReadCallHead(std::string_view text);

/// True when the connection is to become a stream of another protocol, as of `kubectl exec`.
bool AsksForUpgrade(const CallHead& head);

/// What is decided by.
access::ClusterCall CallOf(const CallHead& head);

/// The head as the server gets it: with this credential and no other, for this one call. `prefix`: the path that the
/// server's address has.
std::string HeadForServer(const CallHead& head, std::string_view host, std::string_view prefix, std::string_view token);

}  // namespace yellow::adapters::kubernetes
