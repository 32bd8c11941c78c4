#include "cli/views/audit_json.h"

namespace yellow::cli {

const Record<ShownChain>& ChainedRecordRecord() {
  using Outcome = access::Chained::Outcome;
  static const Record<ShownChain> record =
      Record<ShownChain>()
          .Field("key", "The merge database's container.", &ShownChain::container)
          .Word("state", "What became of it.", {"chained", "busy", "elsewhere"},
                [](const ShownChain& it) {
                  if (it.chained.outcome == Outcome::kDone) return "chained";
                  return it.chained.outcome == Outcome::kBusy ? "busy" : "elsewhere";
                })
          .Reason(
              "reason", "The first anchor that could not be noted, and why.",
              [](const ShownChain& it) { return it.failures.empty() ? "" : "anchor"; },
              [](const ShownChain& it) { return it.failures.empty() ? "" : it.failures.front(); })
          .Field("records", "How many were put into the chain.",
                 [](const ShownChain& it) { return it.chained.records; })
          .Field("sequence", "The last record in the files.",
                 [](const ShownChain& it) { return it.chained.head.sequence; })
          .Field("closed", "Whether the newest segment was closed and signed.",
                 [](const ShownChain& it) { return it.chained.closed; });
  return record;
}

const Record<ExportedLog>& ExportedLogRecord() {
  static const Record<ExportedLog> record =
      Record<ExportedLog>()
          .Field("key", "The merge database's container; empty when the service has chosen the only one.",
                 &ExportedLog::container)
          .Word("state", "It was written.", {"written"}, [](const ExportedLog&) { return "written"; })
          .NoReason()
          .Field("file", "Where it was written.", &ExportedLog::file)
          .Field("lines", "How many it has; null when the service has given it.", &ExportedLog::lines)
          .Field("bytes", "Its size.", &ExportedLog::bytes)
          .Field("sha256", "Of the file.", &ExportedLog::sha256);
  return record;
}

}  // namespace yellow::cli
