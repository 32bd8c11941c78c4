#pragma once

#include "base/diagnostics.h"
#include "model/model.h"

/// One function a family of rules; each looks at the whole model and adds what it finds.
namespace yellow::check {

void CheckNames(const model::Model& model, base::Diagnostics& diagnostics);  ///< Y40x: patterns, clashes
void CheckKeys(const model::Model& model, base::Diagnostics& diagnostics);   ///< Y41x: keys of datasets
void CheckOwnership(const model::Model& model,
                    base::Diagnostics& diagnostics);  ///< Y42x: whose containers and credentials
void CheckClasses(const model::Model& model,
                  base::Diagnostics& diagnostics);  ///< Y50x: classes, restricted columns, masks
void CheckZones(const model::Model& model, base::Diagnostics& diagnostics);         ///< Y505, Y506, Y508: zone policies
void CheckTransformers(const model::Model& model, base::Diagnostics& diagnostics);  ///< Y61x: code, outputs
void CheckEnvironment(const model::Model& model, base::Diagnostics& diagnostics);   ///< Y70x: places, secrets, launcher

}  // namespace yellow::check
