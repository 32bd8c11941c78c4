#pragma once

#include <string>
#include <vector>

namespace yellow::render {

/// A `yellow serve` that systemd keeps running. Paths are absolute.
struct SystemdService {
  std::string name;  ///< of the unit, without `.service`
  std::string program;
  std::string project;
  std::string environment;
  std::string data;
  std::string user;  ///< empty: root, who gives each run of a transformer a user of its own
  std::string listen;
  int grace_seconds = 30;
  bool private_server = false;         ///< a container is embedded, so the service has a PostgreSQL of its own
  std::vector<std::string> variables;  ///< that hold secrets; the unit names only the file where they are
  bool sessions = false;               ///< people have recorded sessions there, and call it at /run/yellow/access.sock
  std::vector<std::string> anchored = {};  ///< folders of the anchors of its audit log; each may come later
};

/// `yellow-shop` for /srv/shop: letters, digits, `_`, `.` and `-`; others become `-`.
std::string SystemdName(const std::string& project);

/// Where the secrets of a unit stand.
std::string SystemdSecrets(const std::string& name);

/// The text of the unit (systemd.service(5), systemd.exec(5)): the same service, the same text. REQUIRES: no path or
/// word of it holds a control character.
std::string SystemdUnit(const SystemdService& service);

}  // namespace yellow::render
