#pragma once

#include <optional>
#include <string>

#include "cli/commands.h"
#include "cli/views/record.h"

/// The audit log through a service that is running, for people who have a role in the model and no account of the
/// service.
namespace yellow::cli {

/// Where the service answers that is asked: the one that the command line names, or else, unless it names a project,
/// the one of YELLOW_SOCKET. Nothing: the project here is read.
std::optional<std::string> ServiceForAudit(const Program& program, const Options& options, const AuditOptions& audit);

/// Prints records as they come; with --output json a list, and with --follow an object a line.
class RecordPrinter {
 public:
  RecordPrinter(const Program& program, const Options& options, bool each_alone)
      : program_(program), json_(options.json), each_alone_(each_alone) {}
  void Take(Json record);
  /// After the last one.
  void End();

 private:
  const Program& program_;
  const bool json_, each_alone_;
  bool any_ = false;
  Json list_ = Json::array();
};

/// Prints what was found; returns the exit status.
int ShowVerified(const Program& program, const Options& options, const Json& all);

// Each as its command, asked of the service at `socket`.
int AuditVerifyThere(const Program& program, const Options& options, const AuditOptions& audit,
                     const std::string& socket);
int AuditTailThere(const Program& program, const Options& options, const AuditOptions& audit,
                   const std::string& socket);
int AuditSearchThere(const Program& program, const Options& options, const AuditOptions& audit,
                     const std::string& socket);
int AuditExportThere(const Program& program, const Options& options, const AuditOptions& audit,
                     const std::string& socket);

/// `audit verify --file`: copies of a log, with nothing else at hand.
int AuditVerifyCopy(const Program& program, const Options& options, const AuditOptions& audit);

}  // namespace yellow::cli
