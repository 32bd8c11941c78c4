#include "adapters/embedded/embedded_cluster.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "access/json_value.h"
#include "adapters/embedded/server_program.h"
#include "base/digest.h"
#include "base/error.h"
#include "ports/servers.h"
#include "sql/bootstrap.h"
#include "sql/names.h"
#include "sql/statement.h"

namespace yellow::adapters::embedded {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReadyMarker = "yellow.ready";  // written last by Initialise
constexpr int kStartSeconds = 60;
constexpr std::string_view kScratchOf = "yellow scratch: ";  // the comment of a database, before its holder
constexpr int kLockSeconds = 90;
constexpr int kLockPauseMilliseconds = 20;
constexpr size_t kShownOfLog = 2000;

base::Error Failure(const std::string& message) { return base::Error("embedded", message); }

/// Held while the cluster is made, started or bootstrapped; a second process waits, as long as that can take.
class LockFile {
 public:
  explicit LockFile(const std::string& path) : descriptor_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (descriptor_ < 0) throw Failure("cannot open the lock file " + path + ": " + std::strerror(errno));
    for (int waited = 0; flock(descriptor_, LOCK_EX | LOCK_NB) != 0; waited += kLockPauseMilliseconds) {
      const int number = errno;
      if (number != EINTR && number != EWOULDBLOCK) {
        close(descriptor_);
        throw Failure("cannot lock " + path + ": " + std::strerror(number));
      }
      if (waited > kLockSeconds * 1000) {
        char holder[32] = "";
        const ssize_t length = pread(descriptor_, holder, sizeof holder - 1, 0);
        close(descriptor_);
        throw Failure("another yellow process holds the lock of the private PostgreSQL: pid " +
                      std::string(length > 0 ? holder : "unknown"))
            .Retryable()
            .Remedy("see what it does, and end it if it hangs; the lock ends with it");
      }
      usleep(kLockPauseMilliseconds * 1000);
    }
    const std::string pid = std::to_string(getpid());
    if (ftruncate(descriptor_, 0) != 0 || pwrite(descriptor_, pid.data(), pid.size(), 0) < 0) {
      // The number is for the message of who waits, nothing else.
    }
  }
  ~LockFile() { close(descriptor_); }
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string UserName(unsigned uid) {
  const passwd* entry = getpwuid(uid);
  return entry == nullptr ? std::to_string(uid) : entry->pw_name;
}

}  // namespace

EmbeddedCluster::EmbeddedCluster(std::string data, std::optional<int> port, ports::Connector& connector,
                                 ports::Entropy& entropy, ports::FileSystem& files, ports::ServerPrograms& programs,
                                 std::string person)
    : data_(std::move(data)),
      port_(port),
      connector_(connector),
      entropy_(entropy),
      files_(files),
      programs_(programs),
      person_(std::move(person)) {
  const std::string digest = base::Sha256Hex(data_).substr(0, 16);
  const unsigned user = geteuid();
  if (user == 0) {
    cluster_folder_ = "/var/lib/yellow/" + digest;
    socket_folder_ = "/run/yellow/" + digest;
  } else {
    cluster_folder_ = data_ + "/postgres";
    const char* runtime = getenv("XDG_RUNTIME_DIR");
    socket_folder_ = runtime != nullptr && ::access(runtime, W_OK) == 0
                         ? std::string(runtime) + "/yellow-" + digest
                         : "/tmp/yellow-" + std::to_string(user) + "-" + digest;
  }
}

void EmbeddedCluster::Start() {
  files_.MakeFolder(data_, 0700);
  const LockFile lock(data_ + "/lock");
  server_uid_ = geteuid(), server_gid_ = getegid();
  if (server_uid_ == 0) {
    const passwd* entry = getpwnam("postgres");
    if (entry == nullptr)
      throw Failure("root may not run a PostgreSQL server, and there is no user postgres")
          .Remedy("install PostgreSQL from the distribution's packages");
    server_uid_ = entry->pw_uid, server_gid_ = entry->pw_gid;
    files_.MakeFolder("/var/lib/yellow", 0711);
    files_.MakeFolder("/run/yellow", 0711);
  }
  if (const auto found = Postmaster(); found && found->port == port()) socket_folder_ = found->socket_folder;
  files_.MakeFolder(socket_folder_, 0711);
  files_.GiveTo(socket_folder_, server_uid_, server_gid_);
  struct stat owner{};
  if (lstat(socket_folder_.c_str(), &owner) != 0 || !S_ISDIR(owner.st_mode) || owner.st_uid != server_uid_) {
    throw Failure("the socket folder belongs to somebody else: " + socket_folder_).Remedy("remove it");
  }
  if (const auto found = Postmaster()) {
    // It may have been started with another runtime folder or port; what it says of itself counts.
    if (found->port == port() && AwaitAnswer(*found)) return;
    StopServer();
  }
  if (!fs::exists(cluster_folder_ + "/" + kReadyMarker)) Initialise(lock.descriptor());
  WriteConfiguration();
  Launch();
}

void EmbeddedCluster::Initialise(int lock_descriptor) {
  // Without its marker the folder is what a killed initdb left behind; no data can be in it.
  files_.RemoveTree(cluster_folder_);
  files_.MakeFolder(cluster_folder_, 0700);
  files_.GiveTo(cluster_folder_, server_uid_, server_gid_);
  const ports::ProgramResult result =
      programs_.Run("initdb",
                    {"-D", cluster_folder_, "-U", kSuperuser, "--auth-local=peer", "--auth-host=scram-sha-256",
                     "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-instructions"},
                    server_uid_, server_gid_, lock_descriptor);
  if (result.status != 0) throw Failure("initdb failed: " + result.output);
  WriteForServer(cluster_folder_ + "/" + kReadyMarker, "");
}

void EmbeddedCluster::WriteForServer(const std::string& path, const std::string& content) {
  files_.WriteAtomically(path, content, true);
  files_.GiveTo(path, server_uid_, server_gid_);
}

/// A sixteenth of the machine's memory, within limits: the server has it for itself alone, and works beside others.
/// What a batch changes is written twice where it does not fit.
int64_t BufferMegabytes() {
  const int64_t memory = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE) >> 20;
  return std::clamp<int64_t>(memory / 16, 128, 1024);
}

void EmbeddedCluster::WriteConfiguration() {
  std::string hba = "# Written by yellow. The superuser by peer, everybody else by password.\n";
  hba += fmt::format("local all {} peer map=yellow\nlocal all all scram-sha-256\n", kSuperuser);
  if (port_) hba += "host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n";
  std::string ident = fmt::format("yellow {} {}\n", UserName(geteuid()), kSuperuser);
  if (geteuid() != server_uid_) ident += fmt::format("yellow {} {}\n", UserName(server_uid_), kSuperuser);
  // A large merge writes whole pages into the log, which are a third of it then; not every server was built with it.
  const bool lz4 = programs_
                       .Run("postgres", {"-D", cluster_folder_, "-c", "wal_compression=lz4", "-C", "wal_compression"},
                            server_uid_, server_gid_, -1)
                       .status == 0;
  const std::string settings = fmt::format(
      "# Written by yellow.\n"
      "listen_addresses = '{}'\nport = {}\nunix_socket_directories = '{}'\npassword_encryption = 'scram-sha-256'\n"
      "max_connections = 100\nmax_prepared_transactions = 0\nlog_min_messages = warning\n"
      "log_destination = 'jsonlog'\nlogging_collector = on\nlog_directory = '{}'\nlog_filename = 'server-%u-%H.log'\n"
      "log_truncate_on_rotation = on\nlog_rotation_age = '1h'\nlog_rotation_size = 0\nlog_file_mode = 0600\n"
      "log_connections = off\nlog_disconnections = on\nlog_statement = none\nlog_min_error_statement = panic\n"
      "max_wal_size = '2GB'\n"
      "shared_buffers = '{}MB'\nmaintenance_work_mem = '128MB'\ncheckpoint_timeout = '15min'\n"
      "wal_compression = {}\n",
      port_ ? "127.0.0.1,::1" : "", port(), socket_folder_, kLogFolder, BufferMegabytes(), lz4 ? "lz4" : "off");
  WriteForServer(cluster_folder_ + "/pg_hba.conf", hba);
  WriteForServer(cluster_folder_ + "/pg_ident.conf", ident);
  WriteForServer(cluster_folder_ + "/postgresql.auto.conf", settings);
}

/// What its JSON log ends with, as far as it is short: severities and messages, a line each.
std::string LastOfLog(const std::string& folder, ports::FileSystem& files) {
  std::error_code error;
  fs::path newest;
  fs::file_time_type changed{};
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    if (entry->path().extension() != ".json" || (!newest.empty() && entry->last_write_time(error) < changed)) continue;
    newest = entry->path(), changed = entry->last_write_time(error);
  }
  std::istringstream tail(newest.empty() ? "" : files.ReadTail(newest.string(), kShownOfLog));
  std::string text;
  for (std::string line; std::getline(tail, line);) {
    const auto said = access::ParseJson(line);  // not of one that begins before the tail does
    const access::JsonValue *severity = said ? said->Find("error_severity") : nullptr,
                            *message = said ? said->Find("message") : nullptr;
    if (severity == nullptr || message == nullptr || severity->Text() == nullptr || message->Text() == nullptr)
      continue;
    text += (text.empty() ? "" : "\n") + *severity->Text() + ":  " + *message->Text();
  }
  return text;
}

void EmbeddedCluster::Launch() {
  const std::string log = cluster_folder_ + "/server.log";
  const ports::ProgramResult result = programs_.Run(
      "pg_ctl", {"-D", cluster_folder_, "-l", log, "-w", "-t", std::to_string(kStartSeconds), "-s", "start"},
      server_uid_, server_gid_, -1);
  if (result.status != 0) {
    throw Failure("the private PostgreSQL did not start: " + result.output)
        .Context(files_.ReadTail(log, kShownOfLog) + LastOfLog(cluster_folder_ + "/" + kLogFolder, files_))
        .Remedy("its logs are " + log + " and the folder log beside it");
  }
}

std::optional<EmbeddedCluster::Process> EmbeddedCluster::Postmaster() const {
  // Lines of postmaster.pid: pid, data folder, start time, port, socket folder, …
  const auto content = files_.Read(cluster_folder_ + "/postmaster.pid");
  if (!content) return std::nullopt;
  std::istringstream in(*content);
  Process found;
  std::string folder, started, line;
  if (!(in >> found.pid) || found.pid <= 1 || !std::getline(in, line) || !std::getline(in, folder) ||
      !std::getline(in, started)) {
    return std::nullopt;
  }
  if (!(in >> found.port) || !std::getline(in, line) || !std::getline(in, found.socket_folder)) return std::nullopt;
  if (kill(static_cast<pid_t>(found.pid), 0) != 0 && errno == ESRCH) return std::nullopt;
  // After a reboot the number may be somebody else's.
  std::ifstream command("/proc/" + std::to_string(found.pid) + "/comm");
  std::string name;
  if (!std::getline(command, name) || name.find("postgres") == std::string::npos) return std::nullopt;
  return found;
}

bool EmbeddedCluster::AwaitAnswer(const Process& process) const {
  ports::ConnectionTarget target = Superuser("postgres", "probe");
  target.host = process.socket_folder;
  target.port = process.port;
  for (int attempt = 0; attempt < kStartSeconds * 10; ++attempt) {
    try {
      connector_.Open(target);
      return true;
    } catch (const base::Error&) {
      if (!Postmaster()) return false;
    }
    usleep(100000);  // it is starting, or recovering from a crash
  }
  return false;
}

bool EmbeddedCluster::Running() const {
  const auto found = Postmaster();
  if (!found) return false;
  try {
    ports::ConnectionTarget target = Superuser("postgres", "probe");
    target.host = found->socket_folder;
    target.port = found->port;
    connector_.Open(target);
    return true;
  } catch (const base::Error&) {
    return false;
  }
}

void EmbeddedCluster::StopServer() {
  struct stat owner{};
  if (stat(cluster_folder_.c_str(), &owner) != 0) return;
  const ports::ProgramResult result = programs_.Run("pg_ctl", {"-D", cluster_folder_, "-m", "fast", "-w", "-s", "stop"},
                                                    owner.st_uid, owner.st_gid, -1);
  if (result.status != 0 && Postmaster()) throw Failure("the private PostgreSQL did not stop: " + result.output);
}

bool EmbeddedCluster::Stop() {
  if (!fs::exists(data_ + "/lock")) return false;
  const LockFile lock(data_ + "/lock");
  if (!Postmaster()) return false;
  StopServer();
  return true;
}

void EmbeddedCluster::EnsureDatabases(const std::vector<std::string>& names) {
  const LockFile lock(data_ + "/lock");
  const auto session = connector_.Open(Superuser("postgres", "databases"));
  for (const std::string& name : names) {
    // A login made for one database finds no way into another; a creation that was cut off is finished here.
    const ports::Rows found = session->Execute(
        {"SELECT EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) a WHERE a.grantee = 0) "
         "FROM pg_database WHERE datname = $1",
         {name}});
    if (!found.empty() && !found.Boolean(0, 0)) continue;
    const std::string database = sql::Identifier::Quote(name).text();
    session->ExecuteScript("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC");
    if (found.empty()) session->Execute("CREATE DATABASE " + database);
    session->Execute("REVOKE ALL ON DATABASE " + database + " FROM PUBLIC");
  }
}

void EmbeddedCluster::Bootstrap(const std::string& database, const std::string& prefix, bool again) {
  const LockFile lock(data_ + "/lock");
  const std::string script = sql::BootstrapSql(prefix, database, "the private cluster") + sql::SuperuserSql(prefix);
  const std::string digest = base::Sha256Hex(script);
  const std::string marker = SecretPath("bootstrapped_" + database);
  const sql::Roles roles(prefix);
  const std::string logins[] = {roles.Migrator(), roles.Engine(), roles.IngestOut(), roles.Access()};
  bool done = !again && files_.Read(marker).value_or("") == digest;
  for (const std::string& login : logins) done = done && files_.Exists(SecretPath(login));
  if (done) return;
  const auto session = connector_.Open(Superuser(database, "bootstrap"));
  session->Execute({"SELECT set_config('yellow.person', $1, false)", {person_}});
  session->ExecuteScript(script);
  for (const std::string& login : logins) {
    base::Secret password(files_.Read(SecretPath(login)).value_or(""));
    if (password.empty()) {
      password = entropy_.Password();
      files_.WriteAtomically(SecretPath(login), password.Reveal(), true);
    }
    session->Execute("ALTER ROLE " + sql::Identifier::Quote(login).text() + " PASSWORD " +
                     sql::Literal(connector_.ScramVerifier(password)));
  }
  files_.WriteAtomically(marker, digest, true);
}

void EmbeddedCluster::MakeScratch(const std::vector<std::string>& databases, const std::string& holder) {
  const LockFile lock(data_ + "/lock");
  const auto session = connector_.Open(Superuser("postgres", "scratch"));
  for (const std::string& name : databases) {
    const std::string database = sql::Identifier::Quote(name).text();
    session->Execute("CREATE DATABASE " + database);
    session->Execute("COMMENT ON DATABASE " + database + " IS " + sql::Literal(std::string(kScratchOf) + holder));
    session->Execute("REVOKE ALL ON DATABASE " + database + " FROM PUBLIC");
    session->Execute("ALTER DATABASE " + database + " SET synchronous_commit = off");  // nothing in it outlives a crash
  }
}

int EmbeddedCluster::DropScratch(const std::function<bool(const std::string& holder)>& is_over) {
  const LockFile lock(data_ + "/lock");
  const auto session = connector_.Open(Superuser("postgres", "scratch"));
  const std::string scratch = ports::kScratch;
  const ports::Rows databases =
      session->Execute({"SELECT datname, coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE "
                        "starts_with(datname, $1 || '_')",
                        {scratch}});
  int left = 0;
  for (size_t i = 0; i < databases.size(); ++i) {
    const std::string& name = databases.Text(i, 0);
    const std::string& comment = databases.Text(i, 1);
    // Without a comment, whoever made it was cut short: nobody else holds the lock.
    if (comment.starts_with(kScratchOf) && !is_over(comment.substr(kScratchOf.size()))) {
      ++left;
      continue;
    }
    session->Execute("DROP DATABASE " + sql::Identifier::Quote(name).text() + " WITH (FORCE)");
    files_.RemoveTree(SecretPath("bootstrapped_" + name));
  }
  if (left > 0) return left;
  const ports::Rows roles =
      session->Execute({"SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1 || '_')", {scratch}});
  std::string list;
  for (size_t i = 0; i < roles.size(); ++i) {
    list += (list.empty() ? "" : ", ") + sql::Identifier::Quote(roles.Text(i, 0)).text();
    files_.RemoveTree(SecretPath(roles.Text(i, 0)));
  }
  if (list.empty()) return 0;
  session->Execute("DROP OWNED BY " + list);  // what they may set of the server
  session->Execute("DROP ROLE " + list);
  return 0;
}

ports::ConnectionTarget EmbeddedCluster::Superuser(const std::string& database, const std::string& purpose) const {
  ports::ConnectionTarget target;
  target.host = socket_folder_;
  target.port = port();
  target.database = database;
  target.user = kSuperuser;
  target.sslmode = "disable";
  target.application_name = "yellow " + purpose;
  return target;
}

ports::ConnectionTarget EmbeddedCluster::Login(const std::string& database, const std::string& role,
                                               const std::string& purpose) const {
  ports::ConnectionTarget target = Superuser(database, purpose);
  target.user = role;
  target.password = base::Secret(files_.Read(SecretPath(role)).value_or(""));
  return target;
}

}  // namespace yellow::adapters::embedded
