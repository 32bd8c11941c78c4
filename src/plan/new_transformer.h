#pragma once

#include <map>
#include <string>

#include "model/model.h"

namespace yellow::plan {

enum class Language { kSql, kPython };

struct NewTransformer {
  std::string name;    ///< of the Workspace and its DataTransformer
  std::string folder;  ///< where its document goes: `model`
  Language language = Language::kSql;
  model::DatasetAddress input;
};

/// What a new transformer is called and where it lies.
struct NewTransformerNames {
  explicit NewTransformerNames(const NewTransformer& transformer);
  std::string readers;   ///< the Workspace that uses the output
  std::string store;     ///< the output Datastore
  std::string document;  ///< the YAML file
  std::string code;      ///< folder of the code, beside the document
};

/// The files of a transformer that copies one dataset: documents with a Workspace, its transformer and a reader, the
/// code, and a test with two rows in and out. They lint, test and run as they are, for a person to go on from.
/// `dataset` is the input.
std::map<std::string, std::string> FilesOf(const NewTransformer& transformer, const model::Dataset& dataset);

}  // namespace yellow::plan
