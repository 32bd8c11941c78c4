#pragma once

#include "plan/doctor_server.h"
#include "run/context.h"

namespace yellow::run {

/// What a server says of itself, and its clock. Throws base::Error.
plan::ServerFacts ReadServer(const Effects& effects, ports::Session& session, const std::string& container, bool merge);

}  // namespace yellow::run
