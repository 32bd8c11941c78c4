#pragma once

#include <string>

#include "cli/views/record.h"

/// The audit log for people, made of what programs read of it: the same whether it was read here or by the service.
namespace yellow::cli {

/// A record in a line.
std::string RecordLine(const Json& record);

/// What was found of one log.
std::string DescribeVerified(const Json& verified);

/// The exit status of `audit verify` for these logs: that of the first thing that is wrong.
int StatusOfVerified(const Json& all);

}  // namespace yellow::cli
