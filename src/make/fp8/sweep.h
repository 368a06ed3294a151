#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/arch/bind.h"
#include "make/eval/statistics.h"
#include "make/eval/windows.h"
#include "make/fp8/configurations.h"

namespace adder {

/// What a configuration costs and saves.
struct Fp8Point {
  std::string name;
  int64_t bytes_per_token = 0;  ///< weights read for one generated token
  Moments kl;                   ///< divergence of its predictions from the parent's, nats per token
  int64_t same_top = 0;         ///< positions whose most likely token is the parent's
  int64_t right = 0;            ///< positions whose most likely token is the one that came next

  double same_top_share() const {
    return kl.count() == 0 ? 1 : static_cast<double>(same_top) / static_cast<double>(kl.count());
  }
};

struct Fp8Sweep {
  int64_t parent_bytes_per_token = 0, parent_right = 0, positions = 0;
  std::vector<Fp8Point> points;

  /// Next-token accuracy in that of the parent.
  double recovery(const Fp8Point& point) const;
  /// Whether no other point has both fewer bytes and less divergence.
  bool is_on_frontier(const Fp8Point& point) const;
};

/// Runs the model and every configuration of it side by side over the windows, weights rounded to FP8 (largest / 448)
/// and inputs not, as adder runs such a directory; all but the last position of a window count. The codes of all
/// matrices are in memory at once. `progress` is told the share of the windows that is done.
///
/// Errors: matrices that are not F32, F16 or BF16 (kUsage); logits that are not finite (kCorrupt); those of
/// Model::from_bound and `Forward::run`.
Result<Fp8Sweep> sweep_fp8(const BoundModel& parent, std::span<const Window> windows, int threads,
                           const std::function<Status(double done)>& progress = {});

/// A page with the table and the trade-off curve, and the same as JSON.
std::string to_html(const Fp8Sweep& sweep, const std::string& title);
nlohmann::json to_json(const Fp8Sweep& sweep);

}  // namespace adder
