#include "load/audit_text.h"

#include "load/readers.h"

namespace yellow::load {

const Shape& AuditShape() {
  static const Shape path{.what = "a path", .scalar = Shape::Scalar::kText};
  static const Shape truth{.what = "true or false", .scalar = Shape::Scalar::kBoolean};
  static const Shape anchor{
      .what = "{file: …}, {git: …} or {syslog: true}",
      .fields = {{"file", &path, "A file that a line is added to; relative to the project. On a disk of other people.",
                  false},
                 {"git", &path, "A working tree of git that a commit is added to; relative to the project.", false},
                 {"syslog", &truth, "true: the log of this machine.", false}},
      .one_of_fields = true,
      .choice = "place of an anchor"};
  static const Shape anchors{.what = "a list of anchors", .items = &anchor};
  static const Shape audit{
      .what = "{anchors: […], server_log: …}",
      .fields = {
          {"anchors", &anchors,
           "Where the end of the audit log is noted besides. Two of them, in the hands of different people, show "
           "that its end was cut off or all of it written again.",
           false},
          {"server_log", &path,
           "The folder of the JSON log of the database server, which is read as a second witness of what temporary "
           "logins ask; relative to the project. Of the private server it is known.",
           false}}};
  return audit;
}

model::Audit ReadAudit(const Node& node, base::Diagnostics& diagnostics) {
  model::Audit audit;
  if (const Node* log = node.Find("server_log"); log != nullptr) {
    if (log->text.empty()) diagnostics.Error("Y202", log->where, "no path is named", "name one, or leave it out");
    audit.server_log = log->text;
  }
  const Node* anchors = node.Find("anchors");
  if (anchors == nullptr) return audit;
  for (const Node& anchor : anchors->items) {
    const Node *file = anchor.Find("file"), *git = anchor.Find("git"), *syslog = anchor.Find("syslog");
    const Node* path = file != nullptr ? file : git;
    if (path != nullptr && path->text.empty()) {
      diagnostics.Error("Y202", path->where, "no path is named", "name one, or leave the anchor out");
    } else if (file != nullptr) {
      audit.anchors.emplace_back(model::FileAnchor{file->text});
    } else if (git != nullptr) {
      audit.anchors.emplace_back(model::GitAnchor{git->text});
    } else if (Boolean(syslog, false)) {
      audit.anchors.emplace_back(model::SyslogAnchor{});
    }
  }
  return audit;
}

}  // namespace yellow::load
