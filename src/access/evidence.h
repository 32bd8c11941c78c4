#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "access/decide.h"
#include "access/recording_facts.h"
#include "access/request.h"
#include "ports/files.h"

/// The sealed files of sessions (SECURITY 4), whose size and digest the audit log binds.
namespace yellow::access {

/// True for the name of a file in `recordings` of the data folder, and in nothing above or below that.
bool IsRecordingFile(const std::string& file);

/// The size and digest of a file, read in pieces; nothing when it is not there. Throws base::Error.
std::optional<RecordingFacts> FactsOf(ports::FileSystem& files, const std::string& path);

/// Public keys of the people who may read what is done under a request: of the seniors for its scope, or of its
/// auditors; never of who asked.
std::vector<std::string> KeysOf(const model::Model& model, const Request& request, std::string_view role);

/// Whether this person may have the sealed files of a request: a senior for its scope or an auditor with a key, and
/// never who asked.
std::optional<Refusal> MayReadEvidence(const model::Model& model, const model::Person& person, const Request& request);

/// A sealed file on its way to a reader.
struct GivenFile {
  Evidence evidence;
  /// The next part of it; empty at its end. Nothing: it is not what it was when it was compared, or is gone.
  std::function<std::optional<std::string>()> next_piece;
};

/// Why a file that the audit log binds cannot be given; nothing when it is as it was.
std::optional<Refusal> WhyNotWhole(ports::FileSystem& files, const std::string& data, const Evidence& evidence);

/// Its parts, compared with the digest once more as they are read. `files` must live as long.
GivenFile Give(ports::FileSystem& files, const std::string& data, const Evidence& evidence);

}  // namespace yellow::access
