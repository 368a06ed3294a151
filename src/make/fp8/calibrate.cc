#include "make/fp8/calibrate.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/threads.h"
#include "make/calib/observe.h"
#include "make/fp8/magnitudes.h"
#include "make/fp8/weight_scales.h"
#include "run/engine/engine.h"

namespace adder {
namespace {

constexpr std::array kCalibrators = {Calibrator::kAmax, Calibrator::kPercentile, Calibrator::kMse};
constexpr std::array kCaches = {Fp8Cache::kNone, Fp8Cache::kCast, Fp8Cache::kCalibrated};

float limit_of(const Magnitudes& seen, Calibrator calibrator, double percentile) {
  switch (calibrator) {
    case Calibrator::kAmax:
      return seen.largest();
    case Calibrator::kPercentile:
      return seen.percentile(percentile);
    case Calibrator::kMse:
      return seen.least_squares();
  }
  CHECK(false, "calibrator {}", static_cast<int>(calibrator));
}

/// What goes into matrices and, of keys and values, what comes out.
class Seen {
 public:
  Seen(const Model& model, std::vector<bool> chosen, const Fp8Options& options)
      : model_(model),
        chosen_(std::move(chosen)),
        cache_(options.cache == Fp8Cache::kCalibrated),
        inputs_(chosen_.size(), Magnitudes(options.calibrator != Calibrator::kAmax)),
        outputs_(chosen_.size()) {}

  void look(const BoundTensor& weight, const float* x, int64_t n) {
    const auto i = static_cast<size_t>(&weight - model_.bound().tensors.data());
    if (chosen_[i]) inputs_[i].add({x, static_cast<size_t>(n * weight.view.shape.row_length())});
    if (!cache_ || cache_scale(weight.spec.role).empty()) return;
    const int64_t rows = weight.view.shape.rows();
    y_.resize(static_cast<size_t>(n * rows));
    model_.ops().linear({weight.view, x, y_.data(), n}, 0, rows);
    outputs_[i].add(y_);
  }

  Result<std::vector<Fp8Scales>> scales_so_far(const Fp8Options& options) const {
    std::vector<Fp8Scales> scales(chosen_.size());
    for (size_t i = 0; i < scales.size(); ++i) {
      const BoundTensor& tensor = model_.bound().tensors[i];
      if (!std::isfinite(inputs_[i].largest()) || !std::isfinite(outputs_[i].largest()))
        return Error::corrupt("the input of {} grows beyond all numbers on this text", tensor.name);
      if (chosen_[i]) scales[i].input = fp8_scale(limit_of(inputs_[i], options.calibrator, options.percentile));
      if (cache_ && !cache_scale(tensor.spec.role).empty()) scales[i].cache = fp8_scale(outputs_[i].largest());
    }
    return scales;
  }

 private:
  const Model& model_;
  std::vector<bool> chosen_;
  bool cache_;
  std::vector<Magnitudes> inputs_, outputs_;
  std::vector<float> y_;
};

}  // namespace

std::string_view name(Calibrator calibrator) {
  constexpr std::array<std::string_view, kCalibrators.size()> kNames = {"amax", "percentile", "mse"};
  return kNames[static_cast<size_t>(calibrator)];
}
std::optional<Calibrator> calibrator_from_name(std::string_view wanted) {
  const auto found = std::ranges::find(kCalibrators, wanted, [](Calibrator c) { return name(c); });
  return found == kCalibrators.end() ? std::nullopt : std::optional(*found);
}

std::string_view name(Fp8Cache cache) {
  constexpr std::array<std::string_view, kCaches.size()> kNames = {"none", "cast", "calibrated"};
  return kNames[static_cast<size_t>(cache)];
}
std::optional<Fp8Cache> fp8_cache_from_name(std::string_view wanted) {
  const auto found = std::ranges::find(kCaches, wanted, [](Fp8Cache c) { return name(c); });
  return found == kCaches.end() ? std::nullopt : std::optional(*found);
}

Result<std::vector<Fp8Scales>> calibrate_fp8(Engine& engine, std::span<const Window> windows, const Fp8Options& options,
                                             const std::function<Status(double done)>& progress) {
  const Model& model = engine.model();
  TRY(check_fp8_source(model.bound()));
  const std::vector<bool> chosen = fp8_tensors(options.policy, model.config());
  Seen seen(model, chosen, options);
  const auto look = [&](const BoundTensor& weight, const float* x, int64_t n) { seen.look(weight, x, n); };
  TRY(observe(engine, windows, options.policy == Fp8Policy::kAll, look, progress));
  TRY_ASSIGN(std::vector<Fp8Scales> scales, seen.scales_so_far(options));
  ThreadPool pool(engine.options().threads);
  const std::vector<float> limits = weight_limits(model.bound(), chosen, options.calibrator == Calibrator::kMse, pool);
  for (size_t i = 0; i < scales.size(); ++i)
    if (chosen[i]) scales[i].weight = fp8_scale(limits[i]);
  return scales;
}

}  // namespace adder
