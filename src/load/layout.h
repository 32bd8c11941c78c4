#pragma once

#include <string>

#include "base/diagnostics.h"
#include "load/node.h"
#include "load/readers.h"

/// The folder layout is the ownership (DESIGN 4): who owns a file, and which kinds of documents may stand in it.
namespace yellow::load {

/// model/zones/<zone>/<team>/… belongs to that team; model/zones/<zone>/*.yaml to the zone; environments/<name>/<zone>/
/// <team>.yaml to that team; environments/<name>/platform.yaml and environments/<name>.yaml to the ecosystem; the rest
/// of model/ to zone and team Default.
Place PlaceOf(const std::string& path);

bool IsEnvironmentFile(const std::string& path, const std::string& environment);

/// Says when a document of this kind does not belong where it stands, and returns false.
bool CheckPlace(const std::string& kind, const Node& node, const std::string& path, base::Diagnostics& diagnostics);

/// Says when an environment is written in one file and in a folder too, or in files that the layout does not know, and
/// returns false.
bool CheckEnvironmentPath(const std::string& path, bool has_single_file, const Node& node,
                          base::Diagnostics& diagnostics);

}  // namespace yellow::load
