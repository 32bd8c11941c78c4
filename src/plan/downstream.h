#pragma once

#include <string>
#include <vector>

#include "plan/physical.h"

namespace yellow::plan {

/// What new rows in a stream lead to, through any number of transformers.
struct Downstream {
  std::vector<std::string> transformers;  ///< workspaces whose code becomes due
  std::vector<std::string> stores;        ///< what they write
  std::vector<std::string> readers;       ///< other workspaces that see any of it
  bool operator==(const Downstream&) const = default;
  bool empty() const { return transformers.empty() && stores.empty() && readers.empty(); }
};

/// From a stream (its key), or from a transformer's (the key of a Transform node), whose output is what is new then.
/// References and own outputs trigger nothing. Names, each sorted and once; empty when there is no such node.
Downstream DownstreamOf(const Physical& physical, const std::string& key);

/// "runs MaskShop and Worker, writes ShopMasked, is seen in Analysts"; "nothing" when it is empty.
std::string ToSentence(const Downstream& downstream);

}  // namespace yellow::plan
