#pragma once

#include "load/node.h"
#include "load/shape.h"
#include "model/environment.h"

namespace yellow::load {

/// `access:` and `tickets:` of an environment.
const Shape& AccessShape();
const Shape& TicketsShape();
/// Read what fits these shapes.
model::AccessListener ReadAccess(const Node& node);
model::TicketSystem ReadTickets(const Node& node);

}  // namespace yellow::load
