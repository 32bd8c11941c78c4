#include "access/audit_copy.h"

#include <ostream>

#include "base/error.h"
#include "cli/audit_call.h"
#include "cli/views/audit_json.h"

namespace yellow::cli {
namespace {

constexpr size_t kPartOfCopy = size_t{1} << 20;

/// Tells the verifier all of a file. Returns its size.
int64_t FeedFile(const Program& program, const std::string& file, access::CopyVerifier& verifier) {
  const std::string path = AbsolutePath(program, file);
  int64_t at = 0;
  for (;;) {
    const auto part = program.files.ReadPart(path, at, kPartOfCopy);
    if (!part) throw base::UsageError("there is no file " + file);
    if (part->empty()) return at;
    verifier.Feed(*part);
    at += static_cast<int64_t>(part->size());
  }
}

}  // namespace

int AuditVerifyCopy(const Program& program, const Options& options, const AuditOptions& audit) {
  if (audit.key.empty())
    throw base::UsageError("a copy does not prove itself: it takes the public key that was noted when the log began")
        .Remedy("name it: --key PUBLIC_KEY; yellow audit verify says it where the log is");
  access::VerifyOptions how{std::nullopt, audit.key, {audit.from, audit.to}};
  if (!audit.anchor.empty()) {
    how.anchors = program.files.Read(AbsolutePath(program, audit.anchor));
    if (!how.anchors) throw base::UsageError("there is no file " + audit.anchor);
  }
  access::CopyVerifier verifier(how);
  std::string names;
  int64_t bytes = 0;
  for (const std::string& file : audit.copies) {
    bytes += FeedFile(program, file, verifier);
    names += (names.empty() ? "" : ", ") + file;
  }
  access::Verified verified = verifier.Finish();
  // One that was emptied is a log that was cut, if anchors say so.
  if (verified.records == 0 && (bytes > 0 || !how.anchors))
    throw base::UsageError("this is no export of the audit log: " + names)
        .Remedy("yellow audit export --to FILE writes one");
  if (how.anchors && !verified.anchors_of_chain)
    throw base::UsageError("no anchor of this audit log stands in " + audit.anchor);
  for (access::AnchorState& anchor : verified.anchors) anchor.target = audit.anchor;
  verified.container = names;
  verified.folder = program.working_directory;
  return ShowVerified(program, options, VerifiedRecord().List(std::vector{std::move(verified)}));
}

}  // namespace yellow::cli
