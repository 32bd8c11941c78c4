#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "load/node.h"
#include "model/model.h"

namespace yellow::load {

/// An output dataset as it is written, before `like` is resolved.
struct OutputDraft {
  std::string workspace;
  std::string store;
  model::Dataset dataset;           ///< name, and key and columns unless `like` is set
  std::optional<model::Name> like;  ///< `Store.dataset`
  std::vector<model::Name> drop;
};

/// Where a document stands.
struct Place {
  model::Owner owner;  ///< both empty: the ecosystem's
  std::string folder;  ///< of the file, relative to the project
};

/// The folder of code that a document in `folder` names by `path`, relative to the project; nothing when it leads
/// out of the document's own.
std::optional<std::string> FolderOfCode(const std::string& folder, const std::string& path);

/// Reads documents whose shape was checked into the model; what is wrong in a value is a diagnostic and leaves its
/// default.
class Reader {
 public:
  Reader(model::Model& model, std::vector<OutputDraft>& outputs, base::Diagnostics& diagnostics)
      : model_(model), outputs_(outputs), diagnostics_(diagnostics) {}

  /// `kind` is one of Kinds() but Environment.
  void ReadDocument(const std::string& kind, const Node& node, const Place& place);
  /// A document of environment `name`; a team's place of its containers and credentials only.
  void ReadEnvironment(const Node& node, const std::string& name, const Place& place);

 private:
  void ReadDatastore(const Node& node, const Place& place);
  void ReadWorkspace(const Node& node, const Place& place);
  void ReadEcosystem(const Node& node);
  void ReadZone(const Node& node, const Place& place);
  model::GovernanceZone& ZoneOf(const model::Name& name);
  void ReadTeam(const Node& node, const Place& place);
  void ReadContainers(const Node* node, const model::Owner& owner);
  void ReadCredentials(const Node* node, const model::Owner& owner);
  void ReadPeople(const Node* node, const model::Owner& owner);
  void ReadScopes(const Node* node, const model::Owner& owner);

  model::SqlSnapshot ReadSnapshot(const Node& node);
  model::Dataset ReadDataset(const std::string& name, const Node& node, bool columns_required);
  model::Column ReadColumn(const Node& name, const Node& node);
  model::DatasetGroup ReadGroup(const Node& name, const Node& node);
  std::optional<model::DatasetSink> ReadSink(const Node& node);
  model::DataTransformer ReadTransformer(const std::string& workspace, const Node& node, const Place& place);
  model::Code ReadCode(const Node& node, const Place& place);
  std::map<std::string, std::string> ReadPlainVariables(const Node& node);
  std::map<std::string, std::string> ReadLabels(const Node* node);
  void ReadKubernetes(const Node& node);
  model::Resources ReadResources(const Node& node);
  bool StaysInside(const Node& path);
  void CheckCode(const Node& node);
  std::map<std::string, model::MaskRule> ReadMaskRules(const Node& node);
  void CheckOutputDataset(const Node& node, const OutputDraft& draft);
  void ReadOutput(const std::string& workspace, const Node& node, model::DataTransformer& transformer);
  model::Trigger ReadTrigger(const Node& node);
  model::Guards ReadGuards(const Node* node);
  std::optional<model::Schedule> ReadSchedule(const Node* node);
  std::optional<model::Duration> ReadDuration(const Node* node);
  std::optional<model::RowLimit> ReadRowLimit(const Node* node);
  /// In thousandths: 0.5 and 500m are 500, 1Ki is 1024000.
  std::optional<int64_t> ReadQuantity(const Node* node);
  model::AllowList ReadAllowList(const Node* node);
  void ReadContainerPlace(const Node& name, const Node& node, const Place& place);
  void ReadReceivers(const Node& node);
  void ReadLauncher(const Node& node);
  void ReadEnvironmentSettings(const Node& node);

  model::Model& model_;
  std::vector<OutputDraft>& outputs_;
  base::Diagnostics& diagnostics_;
};

/// Splits `Store.dataset`; nothing when there is not exactly one dot between two names.
std::optional<model::DatasetAddress> ParseAddress(const std::string& text);

// Small readings of checked nodes; `node` may be null.
std::string Text(const Node* node, const std::string& otherwise = "");
bool Boolean(const Node* node, bool otherwise);
int Integer(const Node* node, int otherwise);
std::optional<model::Name> OptionalName(const Node* node);
model::Name NameOf(const Node* node, const Node& parent);  ///< empty, at the parent, when there is none
std::vector<model::Name> Names(const Node* node);          ///< a list, or a single one
std::vector<std::string> Texts(const Node* node);

}  // namespace yellow::load
