#pragma once

#include "api/record.h"

/// The description of what programs read is the same over HTTP and on the command line.
namespace yellow::cli {

using api::Because;
using api::BecauseSchema;
using api::Json;
using api::ListOf;
using api::OrNull;
using api::PlainSchema;
using api::PlainValue;
using api::Printed;
using api::PrintedInLine;
using api::Record;
using api::TimeSchema;

}  // namespace yellow::cli
