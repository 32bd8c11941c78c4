#pragma once

#include <optional>

#include "base/diagnostics.h"
#include "load/node.h"
#include "load/shape.h"
#include "model/environment.h"

namespace yellow::load {

/// `webhook:` and `mail:` of a receiver.
const Shape& WebhookShape();
const Shape& MailShape();

/// The receivers that `notify: {<name>: …}` names, one an address, with how each is reached and nothing else; what is
/// wrong is a diagnostic and leaves them out.
std::vector<model::NoticeReceiver> ReadChannel(const Node& name, const Node& node, base::Diagnostics& diagnostics);

}  // namespace yellow::load
