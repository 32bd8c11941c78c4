#include "access/evidence.h"

#include <algorithm>
#include <memory>

#include "base/digest.h"

namespace yellow::access {
namespace {

using Kind = Refusal::Kind;

constexpr size_t kPiece = size_t{1} << 18;

std::string PathOf(const std::string& data, const Evidence& evidence) { return data + "/" + evidence.file; }

/// Reads a file to its end, and knows what has come so far.
struct Reading {
  ports::FileSystem& files;
  const std::string path;
  int64_t bytes = 0;
  base::Sha256 hash = {};

  std::optional<std::string> Next() {
    auto piece = files.ReadPart(path, bytes, kPiece);
    if (!piece) return std::nullopt;
    bytes += static_cast<int64_t>(piece->size());
    hash.Add(*piece);
    return piece;
  }
};

/// The roles are given by the ecosystem or a zone, and hold within it. What a scope that was taken out of the model has
/// opened is for all of them.
bool HasRoleFor(const model::Model& model, const model::Person& person, const Request& request, std::string_view role) {
  const model::Scope* scope = ScopeOf(model, request.content.scope);
  return person.name != request.content.person && person.Has(role) &&
         (scope == nullptr || person.MayActIn(scope->owner));
}

}  // namespace

bool IsRecordingFile(const std::string& file) {
  constexpr std::string_view kFolder = "recordings/";
  return file.starts_with(kFolder) && file.size() > kFolder.size() &&
         file.find('/', kFolder.size()) == std::string::npos && file.find("..") == std::string::npos;
}

std::optional<RecordingFacts> FactsOf(ports::FileSystem& files, const std::string& path) {
  Reading reading{files, path};
  auto piece = reading.Next();
  while (piece && !piece->empty()) piece = reading.Next();
  if (!piece) return std::nullopt;
  return RecordingFacts{reading.bytes, reading.hash.Hex()};
}

std::vector<std::string> KeysOf(const model::Model& model, const Request& request, std::string_view role) {
  std::vector<std::string> keys;
  for (const model::Person& person : model.people)
    if (!person.review_key.empty() && HasRoleFor(model, person, request, role)) keys.push_back(person.review_key);
  return keys;
}

std::optional<Refusal> MayReadEvidence(const model::Model& model, const model::Person& person, const Request& request) {
  if (person.name == request.content.person)
    return Refusal{Kind::kForbidden, "own_session", "nobody reads the recording of a session of their own",
                   "another senior may"};
  if (HasRoleFor(model, person, request, model::kSeniorDevops)) return std::nullopt;
  if (HasRoleFor(model, person, request, model::kAuditor) && !person.review_key.empty()) return std::nullopt;
  return Refusal{Kind::kForbidden, "not_reviewer",
                 person.name + " may not read recordings under " + request.content.scope +
                     ", which takes the role senior_devops, or auditor and a review_key",
                 "roles and keys are given in the model, under people"};
}

std::optional<Refusal> WhyNotWhole(ports::FileSystem& files, const std::string& data, const Evidence& evidence) {
  const auto facts = IsRecordingFile(evidence.file) ? FactsOf(files, PathOf(data, evidence)) : std::nullopt;
  if (!facts)
    return Refusal{Kind::kState, "recording_missing",
                   "the audit log names " + evidence.file + ", and the service has no such file",
                   "it may lie on another machine that hosts sessions; yellow audit verify says what is missing"};
  if (facts->bytes == evidence.bytes && facts->sha256 == evidence.sha256) return std::nullopt;
  return Refusal{Kind::kState, "recording_changed", evidence.file + " is not what the audit log has bound",
                 "somebody has changed it: yellow audit verify"};
}

GivenFile Give(ports::FileSystem& files, const std::string& data, const Evidence& evidence) {
  const auto reading = std::make_shared<Reading>(Reading{files, PathOf(data, evidence)});
  return {evidence, [reading, evidence]() -> std::optional<std::string> {
            auto piece = reading->Next();
            if (!piece || reading->bytes > evidence.bytes) return std::nullopt;
            const bool last = reading->bytes == evidence.bytes && !piece->empty();
            if (last && reading->hash.Hex() != evidence.sha256) return std::nullopt;
            return piece;
          }};
}

}  // namespace yellow::access
