#pragma once

#include <memory>

#include "ports/audit_log.h"
#include "ports/container.h"
#include "ports/database.h"
#include "ports/fault.h"
#include "ports/files.h"
#include "ports/mail.h"
#include "ports/process.h"
#include "ports/recorder.h"
#include "ports/server_programs.h"
#include "ports/session_proxy.h"
#include "ports/tickets.h"
#include "ports/webhook.h"

/// The one place where fault points stand: each function wraps a port so that its effects, and they alone, pass
/// `faults`. An effect is named `<session>.<transaction>.<what>`: `batch.merge.update dp_main.shop__customers`,
/// `batch.merge.commit`, `lease.update yellow.stream`, `file.write`, `process.start`, `container.start`,
/// `server.initdb`, `webhook.post`, `mail.send`, `audit.append`, `recorder.start`, `sealed.finish`, `proxy.start`,
/// `ticket.find`. The session's name is the first word of its purpose. Wrapped objects must outlive their wrappers.
namespace yellow::adapters::faults {

std::unique_ptr<ports::Connector> Wrap(ports::Connector& connector, ports::Faults& faults);
std::unique_ptr<ports::FileSystem> Wrap(ports::FileSystem& files, ports::Faults& faults);
std::unique_ptr<ports::ProcessLauncher> Wrap(ports::ProcessLauncher& processes, ports::Faults& faults);
std::unique_ptr<ports::ContainerEngines> Wrap(ports::ContainerEngines& engines, ports::Faults& faults);
std::unique_ptr<ports::ServerPrograms> Wrap(ports::ServerPrograms& programs, ports::Faults& faults);
std::unique_ptr<ports::Webhook> Wrap(ports::Webhook& webhook, ports::Faults& faults);
std::unique_ptr<ports::Mailer> Wrap(ports::Mailer& mailer, ports::Faults& faults);
std::unique_ptr<ports::AuditLog> Wrap(ports::AuditLog& log, ports::Faults& faults);
std::unique_ptr<ports::Recorder> Wrap(ports::Recorder& recorder, ports::Faults& faults);
std::unique_ptr<ports::SessionProxies> Wrap(ports::SessionProxies& proxies, ports::Faults& faults);
std::unique_ptr<ports::Tickets> Wrap(ports::Tickets& tickets, ports::Faults& faults);

ports::Foreground Wrap(ports::Foreground foreground, ports::Faults& faults);

}  // namespace yellow::adapters::faults
