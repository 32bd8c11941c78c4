#pragma once

#include <optional>
#include <string>
#include <vector>

#include "access/request.h"
#include "model/model.h"
#include "ports/tickets.h"

/// What people may do with requests, decided from the model as it is now and nothing else. What can be decided from the
/// requests alone (one vote each, never one's own, compare-and-set) the database decides once more, whoever calls it.
namespace yellow::access {

/// Why something is not done, for the person who wanted it.
struct Refusal {
  enum class Kind {
    kInvalid,      ///< what was asked makes no sense
    kForbidden,    ///< not for this person, or not on this ground
    kNotFound,     ///< there is no such request
    kState,        ///< not as things are now
    kUnavailable,  ///< what has to be asked does not answer; may be tried again
  };
  Kind kind = Kind::kForbidden;
  std::string code;  ///< stable word
  std::string text;
  std::string remedy = {};  ///< may be empty
};

inline constexpr int64_t kShortest = 60;  ///< seconds that a request lasts at least
inline constexpr int64_t kLapsesAfter =
    int64_t{24} * 3600;  ///< seconds after which one that is not active is none any more
inline constexpr size_t kLongestReason = 1000;
inline constexpr int64_t kLongestBreakGlass = 1800;  ///< seconds
inline constexpr int kBreakGlassApprovers = 2;       ///< at least

/// The person whom the model knows by this identity, `os:alice`; null when there is none.
const model::Person* PersonOf(const model::Model& model, const std::string& identity);

/// Why somebody whom the model does not know gets nothing.
Refusal UnknownPerson(const std::string& identity);

/// The scope of this text that is declared; null when there is none.
const model::Scope* ScopeOf(const model::Model& model, const std::string& text);

/// The people who may approve and review what is in this scope, as the model is now; sorted.
std::vector<std::string> SeniorsFor(const model::Model& model, const model::Scope& scope);

/// What an operation has to be told; sorted.
const std::vector<std::string>& ParametersOf(model::Operation operation);

/// The database groups that a scope is made of; none for what is not in the database.
std::vector<std::string> GrantsOf(const model::Scope& scope, const std::string& role_prefix);

/// For how many seconds a scope is given at most, and how many have to approve that.
int64_t LongestOf(const model::Scope& scope, RequestKind kind);
int ApproversOf(const model::Scope& scope, RequestKind kind);

/// How long after its end a request is to be reviewed, in seconds.
int64_t ReviewWithin(const Content& content);

/// Whether what is asked for is well-formed, declared, and for this person.
std::optional<Refusal> MayAsk(const model::Model& model, const model::Person& person, const Content& content);

/// The content with parameters in their one spelling. REQUIRES: MayAsk has refused nothing.
Content Spelled(const model::Model& model, Content content);

/// Whether the ticket supports what this person asks for; none: the system knows no such ticket. That of a break-glass
/// may be anybody's.
std::optional<Refusal> Supports(const model::Person& person, const Content& content,
                                const std::optional<ports::Ticket>& ticket);

/// That its state is in the way, and what may be done with the request as it stands. One whose time is over is expired.
Refusal NotInItsState(const Request& request);

/// Whether that may happen to the request as it stands.
std::optional<Refusal> MayHappen(const Request& request, RequestEvent event);

/// Whether this person may approve or deny, and is meant to vote on this content: the first 12 digits of its hash, or
/// more.
std::optional<Refusal> MayVote(const model::Model& model, const model::Person& voter, const Request& request,
                               const std::string& hash);

/// Whether this person may end somebody else's access.
std::optional<Refusal> MayRevoke(const model::Model& model, const model::Person& person, const Request& request);

std::optional<Refusal> MayReview(const model::Model& model, const model::Person& reviewer, const Request& request,
                                 const std::string& sentence);

/// Whether this person sees requests at all.
std::optional<Refusal> MaySee(const model::Person& person);

/// Whether this person may have the report on everybody's access.
std::optional<Refusal> MayReport(const model::Person& person);

/// Whether this person may read the audit log: an auditor or a senior of the ecosystem, as it tells of everybody.
std::optional<Refusal> MayReadAudit(const model::Person& person);

/// Why a person who has to explain something first is not let in again: a review of theirs that is overdue.
std::optional<Refusal> Blocked(const model::Person& person, const std::vector<Request>& requests);

}  // namespace yellow::access
