#include "model/audit.h"

namespace yellow::model {

std::string Describe(const AnchorTarget& target) {
  if (const auto* file = std::get_if<FileAnchor>(&target)) return "file " + file->path;
  if (const auto* git = std::get_if<GitAnchor>(&target)) return "git " + git->folder;
  return "syslog";
}

}  // namespace yellow::model
