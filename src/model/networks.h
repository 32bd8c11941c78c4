#pragma once

#include <string>

namespace yellow::model {

/// True for an IPv4 or IPv6 network such as 10.20.0.0/16, with the number of its bits.
bool IsNetwork(const std::string& text);

/// `10.0.0.7/32` for an IPv4 address; empty for a name.
std::string NetworkOf(const std::string& host);

}  // namespace yellow::model
