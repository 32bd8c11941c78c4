#pragma once

namespace yellow::ports {

/// Whether somebody asked this process to end (SIGTERM, SIGINT). From `Watch` on the signals are kept for `Asked`;
/// before, they end the process at once. Asked may be called from any thread.
class Stop {
 public:
  virtual ~Stop() = default;
  virtual void Watch() = 0;
  virtual bool Asked() = 0;
};

}  // namespace yellow::ports
