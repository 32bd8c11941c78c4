#include "plan/import.h"

#include <algorithm>

#include "model/name_rule.h"
#include "plan/guess_class.h"
#include "sql/statement.h"

namespace yellow::plan {
namespace {

using model::ImportedColumn;
using model::ImportedDataset;

bool IsYellows(const std::string& name) {
  std::string begin = name.substr(0, 7);
  for (char& c : begin) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return begin == "yellow_";
}

bool IsLegalColumn(const std::string& name) { return model::NameFault(name).empty() && !IsYellows(name); }

/// A name for each of these, in their order. Those that may keep theirs are served first.
template <typename IsLegal>
std::vector<std::string> NamesFor(const std::vector<std::string>& names, model::FreshNames& fresh, const char* start,
                                  IsLegal is_legal) {
  std::vector<std::string> given(names.size());
  for (const bool legal : {true, false}) {
    for (size_t i = 0; i < names.size(); ++i) {
      if (is_legal(names[i]) != legal) continue;
      const std::string wanted = model::LegalName(names[i], start);
      given[i] = fresh.Fresh(is_legal(wanted) ? wanted : std::string(start) + "_" + wanted);
    }
  }
  return given;
}

/// Why a table is not taken: a stable word and a clause; both empty when it is.
struct Reason {
  std::string code, text;
};

Reason WhyNot(const SourceCatalogue& catalogue, const SourceTable& table, bool named) {
  const std::string take = "; --tables takes it all the same";
  if (!named && !table.extension.empty()) return {"extension", "it belongs to extension " + table.extension + take};
  if (!named && !table.parent.empty()) return {"child", "its rows come with " + table.parent + take};
  if (!named && table.kind == RelationKind::kView)
    return {"view", "it is a view, which has no key" + take + ", without one"};
  if (!named && table.kind == RelationKind::kMaterializedView)
    return {"materialized_view", "it is a materialized view, as old as its last refresh" + take};
  if (!named && table.kind == RelationKind::kForeignTable)
    return {"foreign_table", "its rows are in another database, which is their source" + take};
  if (!table.columns.empty() && !table.readable) {
    return {"no_privilege", catalogue.login + " may not read it: GRANT SELECT ON " +
                                sql::Qualified(catalogue.schema, table.name) + " TO " +
                                sql::Identifier::Quote(catalogue.login).text()};
  }
  if (table.columns.empty()) return {"no_columns", "it has no columns"};
  return {};
}

/// The type in the model, and what to say about it.
model::DataType TypeOf(const SourceColumn& column, std::string* remark) {
  std::string why;
  const auto parsed = column.known ? model::ParseType(column.type, &why) : std::nullopt;
  if (!parsed) {
    *remark = column.declared + " at the source, carried as text";
    return {};
  }
  if (column.declared != column.type) *remark = "the domain " + column.declared + " at the source";
  return parsed->type;
}

/// The key that says most about what the table's owner means by one row: the primary one, the replica identity, then
/// the shortest, then the first by name. Only of columns that are not null and taken.
const SourceKey* KeyOf(const SourceTable& table) {
  const auto is_good = [&](const std::string& name) {
    return std::any_of(table.columns.begin(), table.columns.end(), [&](const SourceColumn& column) {
      return column.name == name && column.not_null && column.readable;
    });
  };
  const SourceKey* best = nullptr;
  const auto rank = [](const SourceKey& key) {
    return std::tuple(!key.primary, !key.replica_identity, key.columns.size());
  };
  for (const SourceKey& key : table.keys) {
    if (!std::all_of(key.columns.begin(), key.columns.end(), is_good)) continue;
    if (best == nullptr || rank(key) < rank(*best)) best = &key;
  }
  return best;
}

/// True when every value of the source's type is one of the model's, unchanged.
bool Fits(const model::DataType& source, const model::DataType& declared) {
  using model::TypeKind;
  if (source == declared || (declared.kind == TypeKind::kText && !declared.array)) return true;
  if (model::IsWidening(source, declared)) return true;
  const bool integer =
      source.kind == TypeKind::kSmallint || source.kind == TypeKind::kInteger || source.kind == TypeKind::kBigint;
  if (integer && declared.kind == TypeKind::kNumeric) return !declared.precision && !source.array && !declared.array;
  return source.kind == TypeKind::kChar && declared.kind == TypeKind::kVarchar && source.array == declared.array &&
         declared.length.value_or(source.length.value_or(1)) >= source.length.value_or(1);
}

/// Whether a comment names this, as the source or as the model calls it.
bool Holds(const std::set<std::string>& declined, const std::string& name, const char* start) {
  return declined.count(name) != 0 || declined.count(model::LegalName(name, start)) != 0;
}

class Importer {
 public:
  Importer(const SourceCatalogue& catalogue, const ImportRequest& request) : catalogue_(catalogue), request_(request) {}

  Import Run() {
    std::vector<const SourceTable*> fresh;
    for (const SourceTable& table : catalogue_.tables) {
      if (!IsWanted(table.name)) continue;
      if (const model::Dataset* dataset = Existing(table.name)) {
        Compare(table, *dataset);
      } else if (const Reason reason = WhyNot(catalogue_, table, !request_.tables.empty()); !reason.code.empty()) {
        Tell(table.name, "", "left_out", reason.code, reason.text);
      } else if (request_.tables.empty() && Holds(request_.declined_datasets, table.name, "t")) {
        Tell(table.name, "", "declined", "commented_out", "it stands in a comment of the file");
      } else {
        fresh.push_back(&table);
      }
    }
    TakeAll(fresh);
    TellGone();
    std::stable_sort(import_.findings.begin(), import_.findings.end(),
                     [](const auto& a, const auto& b) { return a.table < b.table; });
    return std::move(import_);
  }

 private:
  void Tell(const std::string& table, const std::string& column, const char* state, const std::string& code,
            const std::string& text) {
    import_.findings.push_back({table, column, state, code, text});
  }

  bool IsWanted(const std::string& table) const {
    return request_.tables.empty() ||
           std::find(request_.tables.begin(), request_.tables.end(), table) != request_.tables.end();
  }

  const model::Dataset* Existing(const std::string& table) const {
    if (request_.existing == nullptr) return nullptr;
    for (const model::Dataset& dataset : request_.existing->datasets) {
      if (dataset.table == table) return &dataset;
    }
    return nullptr;
  }

  void TakeAll(const std::vector<const SourceTable*>& tables) {
    model::FreshNames fresh;
    if (request_.existing != nullptr) {
      for (const model::Dataset& dataset : request_.existing->datasets) fresh.Take(dataset.name);
    }
    std::vector<std::string> names;
    for (const SourceTable* table : tables) names.push_back(table->name);
    const std::vector<std::string> given =
        NamesFor(names, fresh, "t", [](const std::string& name) { return model::NameFault(name).empty(); });
    for (size_t i = 0; i < tables.size(); ++i) Take(*tables[i], given[i]);
  }

  void TellIfRenamed(const std::string& table, const std::string& column, const std::string& from,
                     const std::string& to) {
    if (from == to) return;
    const std::string fault = model::NameFault(from);
    Tell(table, column, "renamed", fault.empty() ? "clash" : "name",
         "it is called " + to + " in the model, where a name " +
             (!fault.empty()    ? fault
              : IsYellows(from) ? "does not begin with yellow_"
                                : "differs from every other in more than its case"));
  }

  /// `column` under the name that it has in the model.
  ImportedColumn Imported(const SourceTable& table, const SourceColumn& column, const std::string& name) {
    ImportedColumn imported;
    imported.column.name = name;
    imported.column.from = column.name;
    imported.column.type = TypeOf(column, &imported.remark);
    imported.column.not_null = column.not_null;
    TellIfRenamed(table.name, column.name, column.name, name);
    if (!imported.remark.empty()) Tell(table.name, column.name, "note", "type", imported.remark);
    if (const auto guess = GuessClass(table.name, column.name, column.comment, imported.column.type)) {
      imported.class_word = guess->word, imported.class_because = guess->because;
      Tell(table.name, column.name, "guess", guess->word, guess->because);
    }
    return imported;
  }

  /// Columns that may be read and that `known` does not have.
  std::vector<ImportedColumn> NewColumns(const SourceTable& table, const model::Dataset* known) {
    model::FreshNames fresh;
    std::vector<std::string> names;
    std::vector<const SourceColumn*> columns;
    if (known != nullptr) {
      for (const model::Column& column : known->columns) fresh.Take(column.name);
    }
    for (const SourceColumn& column : table.columns) {
      if (known != nullptr && FindFrom(*known, column.name) != nullptr) continue;
      if (known != nullptr && Declined(known->name, column.name)) {
        Tell(table.name, column.name, "declined", "commented_out", "it stands in a comment of the file");
        continue;
      }
      if (!column.readable) {
        Tell(table.name, column.name, "left_out", "no_privilege",
             catalogue_.login + " may not read it: GRANT SELECT (" + sql::Identifier::Quote(column.name).text() +
                 ") ON " + sql::Qualified(catalogue_.schema, table.name) + " TO " +
                 sql::Identifier::Quote(catalogue_.login).text());
        continue;
      }
      names.push_back(column.name);
      columns.push_back(&column);
    }
    const std::vector<std::string> given = NamesFor(names, fresh, "c", IsLegalColumn);
    std::vector<ImportedColumn> imported;
    for (size_t i = 0; i < columns.size(); ++i) imported.push_back(Imported(table, *columns[i], given[i]));
    return imported;
  }

  bool Declined(const std::string& dataset, const std::string& column) const {
    const auto found = request_.declined_columns.find(dataset);
    return found != request_.declined_columns.end() && Holds(found->second, column, "c");
  }

  void Take(const SourceTable& table, const std::string& name) {
    Tell(table.name, "", "added", "table", "");
    TellIfRenamed(table.name, "", table.name, name);
    ImportedDataset imported;
    imported.dataset.name = name;
    imported.dataset.table = table.name;
    imported.columns = NewColumns(table, nullptr);
    if (!table.comment.empty()) imported.remarks.push_back(table.comment);
    const SourceKey* key = KeyOf(table);
    if (key == nullptr) {
      const std::string text = "no primary key, no unique index on columns that are not null";
      Tell(table.name, "", "no_key", "no_key", text + ": its rows are compared as a whole");
      imported.remarks.push_back(text + ": name the key if there is one");
    } else {
      for (const std::string& from : key->columns) {
        for (ImportedColumn& column : imported.columns) {
          if (column.column.from != from) continue;
          imported.dataset.key.push_back({column.column.name, {}});
          column.column.not_null = false;  // a column of the key is, without saying so
        }
      }
      if (!key->primary)
        imported.remarks.push_back("no primary key: this one is a unique index on columns that are not null");
    }
    if (table.row_security) {
      const std::string text = "row-level security is on: only rows that " + catalogue_.login + " may see are read";
      Tell(table.name, "", "note", "row_security", text);
      imported.remarks.push_back(text);
    }
    import_.datasets.push_back(std::move(imported));
  }

  static const model::Column* FindFrom(const model::Dataset& dataset, const std::string& from) {
    for (const model::Column& column : dataset.columns) {
      if (column.from == from) return &column;
    }
    return nullptr;
  }

  /// New columns of a dataset that is there, and where model and source do not agree.
  void Compare(const SourceTable& table, const model::Dataset& dataset) {
    for (const model::Column& column : dataset.columns) {
      const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                      [&](const SourceColumn& c) { return c.name == column.from; });
      if (found == table.columns.end()) {
        Tell(table.name, column.from, "gone", "column", "the source has it no more, and the model does");
      } else {
        CompareColumn(table, dataset, *found, column);
      }
    }
    std::vector<ImportedColumn> added = NewColumns(table, &dataset);
    for (ImportedColumn& column : added) {
      // Rows that are there have no value for it, so that it cannot be not null.
      column.column.not_null = false;
      Tell(table.name, column.column.from, "added", "column", "");
    }
    if (!added.empty()) import_.columns[dataset.name] = std::move(added);
  }

  void CompareColumn(const SourceTable& table, const model::Dataset& dataset, const SourceColumn& source,
                     const model::Column& column) {
    std::string remark;
    const model::DataType type = TypeOf(source, &remark);
    const bool is_key = std::any_of(dataset.key.begin(), dataset.key.end(),
                                    [&](const model::Name& name) { return name.text == column.name; });
    if (!source.readable) {
      Tell(table.name, source.name, "differs", "no_privilege", catalogue_.login + " may not read it any more");
    } else if (!Fits(type, column.type)) {
      Tell(table.name, source.name, "differs", "type",
           "it is " + source.declared + " at the source and " + model::ToShort(column.type) + " in the model");
    } else if (!source.not_null && column.not_null && !is_key) {
      Tell(table.name, source.name, "differs", "not_null", "it may be null at the source and not in the model");
    }
  }

  void TellGone() {
    if (request_.existing == nullptr) return;
    for (const model::Dataset& dataset : request_.existing->datasets) {
      const bool there = std::any_of(catalogue_.tables.begin(), catalogue_.tables.end(),
                                     [&](const SourceTable& table) { return table.name == dataset.table; });
      if (!there && IsWanted(dataset.table))
        Tell(dataset.table, "", "gone", "table", "the source has it no more, and the model does");
    }
  }

  const SourceCatalogue& catalogue_;
  const ImportRequest& request_;
  Import import_;
};

/// True when a mask says what becomes of the column.
bool HasRule(const model::DataTransformer& transformer, const std::string& dataset, const std::string& column) {
  if (!transformer.code.mask) return false;
  const auto rules = transformer.code.mask->rules.find(dataset);
  return rules != transformer.code.mask->rules.end() && rules->second.count(column) != 0;
}

}  // namespace

std::vector<ImportFinding> FindSpreading(const Import& import, const model::Model& before, const model::Model& after) {
  std::vector<ImportFinding> findings;
  for (const model::Datastore& store : after.datastores) {
    const auto* output = std::get_if<model::TransformerOutput>(&store.capture);
    const model::Workspace* workspace = output == nullptr ? nullptr : after.FindWorkspace(output->workspace);
    if (workspace == nullptr || !workspace->transformer) continue;
    for (const model::Dataset& dataset : store.datasets) {
      const model::Dataset* was = before.FindDataset({store.name, dataset.name});
      for (const auto& [added_to, columns] : import.columns) {
        for (const ImportedColumn& added : columns) {
          const std::string& name = added.column.name;
          if (was == nullptr || was->FindColumn(name) != nullptr || dataset.FindColumn(name) == nullptr) continue;
          if (HasRule(*workspace->transformer, dataset.name, name)) continue;
          const std::string address = store.name + "." + dataset.name;
          const bool mask = workspace->transformer->code.mask.has_value();
          findings.push_back({added_to, added.column.from, "spreads", mask ? "unmasked" : "like",
                              address + " is like " + added_to +
                                  (mask ? " and will show it as it is: drop it there, or "
                                          "give it a class and a rule"
                                        : ": its code has to write it, or drop it there")});
        }
      }
    }
  }
  return findings;
}

Import ImportTables(const SourceCatalogue& catalogue, const ImportRequest& request) {
  return Importer(catalogue, request).Run();
}

}  // namespace yellow::plan
