#pragma once

#include <compare>
#include <string>

namespace yellow::model {

/// `Store.dataset`, as people write it.
struct DatasetAddress {
  std::string store;
  std::string dataset;
  auto operator<=>(const DatasetAddress&) const = default;
};
inline std::string ToString(const DatasetAddress& address) { return address.store + "." + address.dataset; }

/// One input of a Workspace: `Group.Store.dataset`.
struct InputAddress {
  std::string group;
  std::string store;
  std::string dataset;
  auto operator<=>(const InputAddress&) const = default;
};
inline std::string ToString(const InputAddress& a) { return a.group + "." + a.store + "." + a.dataset; }

}  // namespace yellow::model
