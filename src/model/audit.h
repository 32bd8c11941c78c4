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
  std::string server_log;  ///< the folder of the JSON log of a server that is not Yellow's own; empty: not to be had
};

}  // namespace yellow::model
