#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "model/environment.h"
#include "ports/clock.h"
#include "ports/token_keys.h"

namespace yellow::access {

/// Who a token is of: `oidc:<address>`, or why it says nothing. It is a JSON Web Token in its compact form (RFC 7519),
/// signed with RS256 or ES256 by a key of the issuer, for the audience, and of this time, give or take a minute; its
/// address is the text of the listener's claim, and not one of which the issuer says `email_verified: false`.
/// A reason holds nothing of the token. Throws as TokenKeys::Verify.
tl::expected<std::string, std::string> IdentityOfToken(const model::AccessListener& listener, ports::TokenKeys& keys,
                                                       ports::TimePoint now, std::string_view token);

}  // namespace yellow::access
