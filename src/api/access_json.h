#pragma once

#include "access/decide.h"
#include "access/report.h"
#include "access/request.h"
#include "api/record.h"

/// Requests for access as programs read them, over HTTP and from the command line.
namespace yellow::api {

/// A request with its votes, sessions and review.
const Record<access::Request>& RequestRecord();
const Record<model::Scope>& ScopeRecord();
/// What was stated under a request.
const Record<access::Statement>& StatementRecord();
/// A sealed file of a session.
const Record<access::Evidence>& EvidenceRecord();
const Record<access::ReportLine>& ReportRecord();
/// Why something is not done: `{"error": {"code": …, "text": …, "remedy": …}}`.
Json RefusalJson(const access::Refusal& refusal);

}  // namespace yellow::api
