#include "render/systemd.h"

#include <fmt/format.h>

namespace yellow::render {
namespace {

constexpr const char* kSocket = "/run/yellow/access.sock";  // of people, who could not enter the data folder

/// A word of a unit's list: specifiers (%) do not stand for anything in it, and it may hold blanks.
std::string Word(const std::string& text) {
  std::string word;
  bool plain = !text.empty();
  for (const char c : text) {
    const bool harmless = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          std::string("/._-+:@,=%").find(c) != std::string::npos;
    plain = plain && (harmless || static_cast<unsigned char>(c) >= 0x80);
    if (c == '%') word += '%';
    if (c == '"' || c == '\\') word += '\\';
    word += c;
  }
  return plain ? word : "\"" + word + "\"";
}

/// A word of a command line, where a dollar is a variable too.
std::string CommandWord(const std::string& text) {
  std::string word;
  for (const char c : Word(text)) word += c == '$' ? "$$" : std::string(1, c);
  return word;
}

std::string Yellow(const SystemdService& service, const std::string& command) {
  return fmt::format("{} --project {} --environment {} --data {} {}", CommandWord(service.program),
                     CommandWord(service.project), CommandWord(service.environment), CommandWord(service.data),
                     command);
}

std::string Heading(const SystemdService& service) {
  return fmt::format(
      R"(# Made by yellow render systemd, which makes the same text again; put what differs here into a drop-in:
# systemctl edit {0}.service
[Unit]
Description=Yellow of {1}, environment {2}
Documentation=man:systemd.service(5)
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=10min
StartLimitBurst=5
)",
      service.name, Word(service.project), Word(service.environment));
}

std::string Life(const SystemdService& service) {
  std::string text = "\n[Service]\n";
  if (!service.user.empty()) text += "User=" + Word(service.user) + "\n";
  text += fmt::format(
      R"(Type=notify
NotifyAccess=main
ExecStart={}
)",
      Yellow(service, fmt::format("serve --grace {}{}", service.grace_seconds,
                                  service.listen.empty() ? "" : " --listen " + CommandWord(service.listen)) +
                          (service.sessions ? std::string(" --socket ") + kSocket : "")));
  if (service.private_server)
    text +=
        "# What is left then would be killed, and the private PostgreSQL has to write what it "
        "remembers.\nExecStopPost=" +
        Yellow(service, "down") + "\n";
  text += fmt::format(R"(# Exit status 2: the project is not there, or an option is wrong. Starting again mends neither.
Restart=on-failure
RestartSec=10s
RestartPreventExitStatus=2
# Jobs under way have {0} s to end; only then their processes are killed.
KillMode=mixed
TimeoutStartSec=5min
TimeoutStopSec={1}s
)",
                      service.grace_seconds, service.grace_seconds + 60);
  return text;
}

std::string Secrets(const SystemdService& service) {
  if (service.variables.empty()) return "";
  std::string text = "\n# Mode 0600, owned by root; a line NAME=value each:\n";
  for (const std::string& variable : service.variables) text += "#   " + variable + "\n";
  return text + "EnvironmentFile=" + SystemdSecrets(service.name) + "\n";
}

/// What is kept from the kernel, as far as sessions leave it: a namespace of users, which a service without root
/// encloses them in, gets a /proc of its own only where nothing of that of the service is hidden.
std::string Namespaces(const SystemdService& service) {
  if (service.sessions && !service.user.empty())
    return R"(# Sessions of people are enclosed in namespaces of their own, for which the system has to let users make some
# (user.max_user_namespaces). They get a /proc of their own while ProtectKernelLogs and ProtectKernelTunables are off.
RestrictNamespaces=ipc mnt net pid user
)";
  const std::string allowed = service.sessions ? "ipc mnt net pid" : "yes";
  return "ProtectKernelLogs=yes\nProtectKernelTunables=yes\nRestrictNamespaces=" + allowed + "\n";
}

std::string Hardening(const SystemdService& service) {
  std::string text = R"(
# What it writes; everything else is read only.
ProtectSystem=strict
ProtectHome=read-only
)";
  text += "ReadWritePaths=" + Word(service.data) + "\n";
  for (const std::string& folder : service.anchored) text += "ReadWritePaths=" + Word("-" + folder) + "\n";
  if (service.user.empty() || service.sessions)
    text += "RuntimeDirectory=yellow\nRuntimeDirectoryMode=0711\nRuntimeDirectoryPreserve=yes\n";
  if (service.user.empty()) {
    text += R"(StateDirectory=yellow
StateDirectoryMode=0711
PrivateTmp=yes
# Root takes for each run of a transformer a user that nobody else has, and for PostgreSQL the user postgres.
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_SETGID CAP_SETUID
)";
    if (service.sessions)
      text +=
          "# Sessions of people are enclosed in namespaces of their own, each with a loopback of its own.\n"
          "CapabilityBoundingSet=CAP_SYS_ADMIN CAP_NET_ADMIN\n";
  } else {
    // The socket of the private server is in /tmp, and who calls yellow by hand looks for it there.
    text += service.private_server ? "PrivateTmp=no\nReadWritePaths=/tmp\n" : "PrivateTmp=yes\n";
    text += "CapabilityBoundingSet=\n";
  }
  return text + Namespaces(service) + R"(NoNewPrivileges=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelModules=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
UMask=0077

[Install]
WantedBy=multi-user.target
)";
}

}  // namespace

std::string SystemdName(const std::string& project) {
  std::string name = "yellow-";
  for (const char c : project.substr(project.rfind('/') + 1)) {
    const bool allowed =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    name += allowed ? c : '-';
  }
  return name;
}

std::string SystemdSecrets(const std::string& name) { return "/etc/yellow/" + name + ".env"; }

std::string SystemdUnit(const SystemdService& service) {
  return Heading(service) + Life(service) + Secrets(service) + Hardening(service);
}

}  // namespace yellow::render
