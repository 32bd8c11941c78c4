#pragma once

#include <optional>
#include <string>
#include <vector>

namespace yellow::cli {

/// Every command that prints something with `--output json`, as it is called: `status`, `batches list`; sorted. And
/// `error`, which stands for what any of them prints when it could not do its work.
std::vector<std::string> OutputNames();

/// The JSON Schema (2020-12) of what a command prints with `--output json`, its errors included; indented text. Nothing
/// when there is no such command. With `serve` it is that of one line.
std::optional<std::string> OutputSchema(const std::string& name);

}  // namespace yellow::cli
