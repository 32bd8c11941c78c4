#pragma once

#include <string>
#include <variant>
#include <vector>

namespace yellow::model {

/// Places outside the audit log that note where it ends, as `audit:` of an environment says.
struct FileAnchor {
  std::string path;
  bool operator==(const FileAnchor&) const = default;
};
struct GitAnchor {
  std::string folder;  ///< a working tree of git, to which a commit is added
  bool operator==(const GitAnchor&) const = default;
};
struct SyslogAnchor {
  bool operator==(const SyslogAnchor&) const = default;
};
using AnchorTarget = std::variant<FileAnchor, GitAnchor, SyslogAnchor>;

/// `file PATH`, `git FOLDER`, `syslog`.
std::string Describe(const AnchorTarget& target);

struct Audit {
  std::vector<AnchorTarget> anchors;
};

}  // namespace yellow::model
