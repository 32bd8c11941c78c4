#pragma once

namespace yellow::ports {

/// Who has started this process as a service and wants to know how it is; does nothing when nobody does.
class Supervisor {
 public:
  virtual ~Supervisor() = default;
  virtual void Ready() = 0;     ///< it has begun to serve
  virtual void Stopping() = 0;  ///< it was asked to end and does so
};

}  // namespace yellow::ports
