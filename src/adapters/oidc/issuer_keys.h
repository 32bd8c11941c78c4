#pragma once

#include <memory>

#include "ports/clock.h"
#include "ports/token_keys.h"

namespace yellow::adapters::oidc {

/// Keys as OpenID Connect Discovery 1.0 says where they are: `<issuer>/.well-known/openid-configuration`, and the
/// `jwks_uri` in it, over https, or http on this machine; redirections are not followed. They are kept for an hour. For
/// a key that is not known they are fetched again, at most once a minute; after a failure at most every five seconds.
std::unique_ptr<ports::TokenKeys> MakeTokenKeys(ports::Clock& clock);

}  // namespace yellow::adapters::oidc
