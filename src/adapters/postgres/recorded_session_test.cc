#include "adapters/postgres/recorded_session_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "adapters/embedded/server_program.h"
#include "adapters/postgres/connector.h"
#include "base/error.h"

namespace yellow::adapters::postgres {
namespace {

void RunProgram(const std::string& program, const std::vector<std::string>& arguments, unsigned uid, unsigned gid) {
  const auto result = embedded::MakeServerPrograms()->Run(program, arguments, uid, gid, -1);
  if (result.status != 0) throw base::Error("test_server", program + " failed: " + result.output);
}

int FreePort() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET, address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(probe);
  if (!bound) throw base::Error("test_server", "there is no free port");
  return ntohs(address.sin_port);
}

constexpr const char* kHba =
    "local all postgres trust\n"
    "local all all scram-sha-256\n"
    "hostssl all all 127.0.0.1/32 scram-sha-256\n";

}  // namespace

RecordedServer& RecordedServer::Shared() {
  static RecordedServer server;
  return server;
}

RecordedServer::RecordedServer() : port_(FreePort()), uid_(geteuid()), gid_(getegid()) {
  char pattern[] = "/tmp/yellow-recorded-XXXXXX";
  folder_ = mkdtemp(pattern);
  if (uid_ == 0) {
    const passwd* user = getpwnam("postgres");
    uid_ = user->pw_uid, gid_ = user->pw_gid;
  }
  MakeCertificate();
  if (chown(folder_.c_str(), uid_, gid_) != 0) throw base::Error("test_server", "cannot give away " + folder_);
  std::filesystem::permissions(folder_, std::filesystem::perms(0711));
  RunProgram("initdb",
             {"-D", folder_ + "/data", "-A", "trust", "-U", "postgres", "-N", "--encoding=UTF8", "--locale=C.UTF-8"},
             uid_, gid_);
  std::ofstream(folder_ + "/data/pg_hba.conf") << kHba;
  RunProgram("pg_ctl",
             {"-D", folder_ + "/data", "-w", "-s", "-l", folder_ + "/log", "-o",
              "-c listen_addresses=127.0.0.1 -c port=" + std::to_string(port_) + " -c unix_socket_directories='" +
                  folder_ + "' -c ssl=on -c ssl_cert_file='" + folder_ + "/certificate' -c ssl_key_file='" + folder_ +
                  "/key' -c fsync=off -c full_page_writes=off -c max_prepared_transactions=5",
              "start"},
             uid_, gid_);
  const auto superuser = MakeConnector()->Open(Superuser());
  superuser->Execute("CREATE ROLE yellow_tmp_7 LOGIN PASSWORD '" + MakeScramVerifier(base::Secret(kCanary)) + "'");
  superuser->Execute("CREATE ROLE yellow_other");
  superuser->Execute("CREATE DATABASE merge OWNER yellow_tmp_7");
}

RecordedServer::~RecordedServer() {
  embedded::MakeServerPrograms()->Run("pg_ctl", {"-D", folder_ + "/data", "-m", "immediate", "-s", "stop"}, uid_, gid_,
                                      -1);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RecordedServer::MakeCertificate() const {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("127.0.0.1"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  const auto write = [&](const std::string& path, const auto& put) {
    FILE* file = fopen(path.c_str(), "w");
    put(file);
    fclose(file);
    if (chown(path.c_str(), uid_, gid_) != 0) throw base::Error("test_server", "cannot give away " + path);
  };
  write(folder_ + "/key", [&](FILE* file) { PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
  std::filesystem::permissions(folder_ + "/key", std::filesystem::perms(0600));
  write(folder_ + "/certificate", [&](FILE* file) { PEM_write_X509(file, certificate); });
  X509_free(certificate);
  EVP_PKEY_free(key);
}

ports::ConnectionTarget RecordedServer::Superuser() const {
  ports::ConnectionTarget target;
  target.host = folder_, target.port = port_, target.database = "postgres", target.user = "postgres";
  target.sslmode = "disable";
  return target;
}

ports::ConnectionTarget RecordedServer::Temporary() const {
  ports::ConnectionTarget target = Superuser();
  target.database = "merge", target.user = "yellow_tmp_7", target.password = base::Secret(kCanary);
  target.application_name = "yellow access 7";
  return target;
}

ports::ConnectionTarget RecordedServer::TemporaryOverTls() const {
  ports::ConnectionTarget target = Temporary();
  target.host = "127.0.0.1", target.sslmode = "verify-full", target.sslrootcert = folder_ + "/certificate";
  return target;
}

bool KeepingSink::Take(const ports::WireEvent& event) {
  const std::lock_guard lock(mutex_);
  const auto* query = std::get_if<ports::WireQuery>(&event.what);
  if (query != nullptr && !refused_.empty() && query->text.text.find(refused_) != std::string::npos) return false;
  events_.push_back(event);
  return true;
}

std::vector<ports::WireEvent> KeepingSink::Events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

void KeepingSink::RefuseQueriesWith(const std::string& text) {
  const std::lock_guard lock(mutex_);
  refused_ = text;
}

Ran RunAs(unsigned uid, const std::vector<std::string>& words, const std::string& input, int interrupt_after) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return {};
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  char path[] = "PATH=/usr/bin:/bin";
  char* environment[] = {path, nullptr};
  const pid_t child = fork();
  if (child == 0) {
    dup2(in[0], STDIN_FILENO), dup2(out[1], STDOUT_FILENO), dup2(out[1], STDERR_FILENO);
    if (geteuid() != uid && (setgroups(0, nullptr) != 0 || setgid(uid) != 0 || setuid(uid) != 0)) _exit(126);
    execvpe(arguments[0], arguments.data(), environment);
    _exit(127);
  }
  close(in[0]), close(out[1]);
  if (write(in[1], input.data(), input.size()) != static_cast<ssize_t>(input.size())) ADD_FAILURE();
  close(in[1]);
  if (interrupt_after > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(interrupt_after));
    kill(child, SIGINT);
  }
  Ran ran;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(out[0], buffer, sizeof buffer)) > 0;)
    ran.output.append(buffer, static_cast<size_t>(count));
  close(out[0]);
  int status = 0;
  waitpid(child, &status, 0);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

RecordedSessionTest::RecordedSessionTest()
    : allowed_uid_(geteuid()), superuser_(MakeConnector()->Open(RecordedServer::Shared().Superuser())) {
  char pattern[] = "/tmp/yellow-proxy-XXXXXX";
  folder_ = mkdtemp(pattern);
  std::filesystem::permissions(folder_, std::filesystem::perms(0711));
}

RecordedSessionTest::~RecordedSessionTest() {
  proxy_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RecordedSessionTest::Start(ports::ConnectionTarget target, std::chrono::milliseconds duration) {
  proxy_ = MakeSessionProxies()->Start({std::move(target), folder_, allowed_uid_, duration}, sink_);
}

void RecordedSessionTest::Start(unsigned allowed_uid) {
  allowed_uid_ = allowed_uid;
  Start();
}

Connection RecordedSessionTest::Connect(const std::string& more) const {
  return Connection(PQconnectdb(("host=" + folder_ + " port=5432 dbname=whatever user=whoever " + more).c_str()));
}

Ran RecordedSessionTest::Psql(const std::vector<std::string>& arguments, const std::string& input,
                              int interrupt_after) const {
  std::vector<std::string> words{"psql", "-X", "-A", "-t", "-q", "-h", folder_, "-U", "whoever", "whatever"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return RunAs(allowed_uid_, words, input, interrupt_after);
}

int RecordedSessionTest::RawSocket() const {
  const int raw = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder_ + "/.s.PGSQL.5432").copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(raw, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return raw;
  close(raw);
  return -1;
}

}  // namespace yellow::adapters::postgres
