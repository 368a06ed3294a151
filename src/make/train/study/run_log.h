#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// What the held-out books said of a model when a run had come so far.
struct JudgedPoint {
  int64_t tokens = 0;
  double loss = 0, accuracy = 0;                  ///< nats and share right, of a token
  std::optional<double> kl = {}, agreement = {};  ///< with the teacher
  int64_t parameters = 0;
};

/// A method's run: what its recipe asked to have judged, in order of tokens.
struct RunLog {
  std::vector<JudgedPoint> points;
  int64_t end = 0;  ///< tokens when it is done; 0 for a run without end
  /// Where one part ends and the next begins, the same model is judged twice, as masks of its parent and as a file of
  /// its own: the largest difference in loss and KL that was found.
  std::optional<double> seam = {};
};

/// Reads metrics.jsonl of the folders, parts of one run in order: a router's and that of the child it chose, say. The
/// tokens of a part that begins anew (a second stage) count on from those before it. A part that has not begun yet is
/// left out; kNotFound where none has.
Result<RunLog> read_run(const std::vector<std::filesystem::path>& parts);

}  // namespace adder
