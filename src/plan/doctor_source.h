#pragma once

#include <optional>

#include "plan/finding.h"

/// Judgements on what the model reads and with what: credentials, source tables, their columns.
namespace yellow::plan {

struct CredentialFacts {
  std::string name;       ///< `shop_reader/ShopDB`, the rest of the key
  std::string user;       ///< as whom it logs in
  std::string container;  ///< where; empty: it is only handed on to code
  std::string failure;    ///< why it cannot be used; empty: it can
  std::string remedy;     ///< of the failure
};
Finding JudgeCredential(const CredentialFacts& facts);

struct SourceColumnFacts {
  std::string name;  ///< in the model
  std::string from;  ///< at the source
  bool there = true;
  std::string near;  ///< the name at the source that was probably meant, if it is not there
  bool readable = true;
  std::string unfit;  ///< why its type does not fit, as a clause
};

struct SourceTableFacts {
  std::string store, dataset;
  std::string schema, table;  ///< at the source
  std::string login;          ///< who reads it
  std::string why_not;        ///< why it could not be looked at; empty: it was
  bool there = true;
  bool schema_usable = true, readable = true;  ///< by the reader
  bool rows_hidden = false;                    ///< row security keeps rows from the reader
  std::vector<SourceColumnFacts> columns;
};
/// The table, then each column.
Findings JudgeSourceTable(const SourceTableFacts& facts);

}  // namespace yellow::plan
