#pragma once

#include <optional>
#include <string>

#include "run/batches.h"

/// What people do by hand to streams, batches and runs. Each is one transaction that also records who did it, as an
/// event; none of them writes data, they only let the next batch or run do so, or keep it from it. With Mode::kTry all
/// of it is checked and done, and then rolled back. Each throws base::UsageError when it cannot be done.
namespace yellow::run {

enum class Mode { kDo, kTry };

/// A stream that is paused opens no batch; the transformer whose output it is does not run. What is under way ends.
void PauseStream(ports::Session& engine, const Actor& actor, const std::string& stream, bool paused, Mode mode);

/// A batch of a source at once: what it holds is read and compared with every row. A held batch is read again. Refused
/// while the stream is paused. REQUIRES: it is not the output of a transformer.
void ReplayStream(ports::Session& engine, const Actor& actor, const std::string& stream, Mode mode);

/// A person accepts a held batch once. Only what a guard has held: bad rows must be mended at the source.
void ReleaseBatch(ports::Session& engine, const Actor& actor, const std::string& stream, std::optional<int> batch,
                  Mode mode);
/// A person gives a held batch up; the next one begins at the next schedule.
void RejectBatch(ports::Session& engine, const Actor& actor, const std::string& stream, std::optional<int> batch,
                 Mode mode);

/// Ends an open run: its state first, then its login and sessions, so that nothing it still does is seen. Returns its
/// whole id.
std::string CancelRun(const Effects& effects, ports::Session& engine, const Actor& actor, const std::string& prefix,
                      const std::string& id, Mode mode);
/// Makes a transformer due again at once; `rebuild`: in full mode, as on a first run.
void RetryTransformer(ports::Session& engine, const Actor& actor, const std::string& transformer, bool rebuild,
                      Mode mode);

}  // namespace yellow::run
