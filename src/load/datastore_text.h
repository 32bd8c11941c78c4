#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "load/node.h"
#include "model/imported.h"

/// The text of imported Datastores: written whole, or added to a file that people have edited.
namespace yellow::load {

struct NewDatastore {
  std::string name, container, credential, schema;
  std::string heading;  ///< one line, a comment
  std::vector<model::ImportedDataset> datasets;
};

/// A document that ParseYaml reads; guesses and remarks are comments.
std::string WriteDatastore(const NewDatastore& store);

struct Additions {
  std::vector<model::ImportedDataset> datasets;
  std::map<std::string, std::vector<model::ImportedColumn>> columns;  ///< by dataset
};

/// The text with these datasets and columns behind those that are there, in the style of their neighbours; every byte
/// of the text stays, but an empty `{}`. In `{ }` there is no room for guesses and remarks. REQUIRES: `document` is the
/// Datastore's node of this very text, of the shape of a Datastore, and has the datasets that `additions.columns`
/// names.
std::string AddToDatastore(std::string_view text, const Node& document, const Additions& additions);

/// Names that stand in lines such as `# legacy_note: text` below `datasets`: what a person took out of the model by
/// making a comment of it.
struct CommentedOut {
  std::set<std::string> datasets;
  std::map<std::string, std::set<std::string>> columns;  ///< by dataset
};

/// `tables`: every name that a dataset may have had; after such a line, names are of its columns until the next line
/// that is no comment.
CommentedOut FindCommentedOut(std::string_view text, const Node& document, const std::set<std::string>& tables);

}  // namespace yellow::load
