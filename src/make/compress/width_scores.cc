#include "make/compress/width_scores.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "make/plan/sensitivity.h"
#include "run/engine/engine.h"

namespace adder {
namespace {

/// Mean absolute values of some columns over one window.
class MeanAbs {
 public:
  explicit MeanAbs(int64_t width) : sums_(static_cast<size_t>(width)) {}

  /// `x` points at the first of its columns in the first of n rows, `stride` numbers apart.
  void add(const float* x, int64_t n, int64_t stride) {
    for (int64_t row = 0; row < n; ++row, x += stride)
      for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += std::abs(static_cast<double>(x[i]));
    rows_ += n;
  }
  /// The means, and ready for the next window.
  std::vector<double> take() {
    std::vector<double> means(sums_.size());
    for (size_t i = 0; i < means.size(); ++i) means[i] = sums_[i] / static_cast<double>(rows_);
    std::ranges::fill(sums_, 0);
    rows_ = 0;
    return means;
  }
  bool is_empty() const { return rows_ == 0; }

 private:
  std::vector<double> sums_;
  int64_t rows_ = 0;
};

void add_squares(std::vector<double>& total, const std::vector<double>& values) {
  total.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) total[i] += values[i] * values[i];
}

std::vector<double> roots(std::vector<double> squares) {
  for (double& square : squares) square = std::sqrt(square);
  return squares;
}

/// What one layer, or the output matrix, is seen to do.
struct Seen {
  MeanAbs norm, widths;
  std::vector<double> norm_squares, squares, attention;
  double cosines = 0;
};

class WidthTally {
 public:
  WidthTally(const ModelConfig& config, FfnReading reading) : config_(config), reading_(reading) {
    for (const LayerConfig& layer : config.layers) seen_.push_back(seen(width_of(layer)));
    seen_.push_back(seen(0));  // the final norm
  }

  void input(const TensorSpec& spec, const float* x, int64_t n) {
    Seen& at = seen_[spec.layer < 0 ? seen_.size() - 1 : static_cast<size_t>(spec.layer)];
    switch (spec.role) {
      case Role::kSsmIn:
      case Role::kQ:
      case Role::kUp:
      case Role::kOutput:
      case Role::kEmbedding:  // which is the output matrix too, where they are tied
        at.norm.add(x, n, config_.hidden_size);
        break;
      case Role::kDown:
        if (reading_ == FfnReading::kAfterActivation) at.widths.add(x, n, spec.shape.row_length());
        break;
      case Role::kO:
        at.widths.add(x, n, spec.shape.row_length());
        break;
      default:
        break;
    }
  }

  void result(const TensorSpec& spec, const float* y, int64_t n) {
    if (spec.layer < 0) return;
    Seen& at = seen_[static_cast<size_t>(spec.layer)];
    if (spec.role == Role::kSsmIn) at.widths.add(y + config_.d_inner(), n, config_.in_proj_rows());  // behind z
    if (spec.role == Role::kUp && reading_ == FfnReading::kBeforeActivation) at.widths.add(y, n, spec.shape.rows());
  }

  void stream(int layer, const float* h, int64_t n) {
    const auto width = static_cast<size_t>(config_.hidden_size);
    if (layer > 0) {
      double& sum = seen_[static_cast<size_t>(layer - 1)].cosines;
      for (size_t row = 0; row < static_cast<size_t>(n); ++row)
        sum += cosine(before_.data() + row * width, h + row * width, width);
    } else {
      positions_ += n;
    }
    before_.assign(h, h + static_cast<size_t>(n) * width);
  }

  void end_window() {
    for (size_t i = 0; i < seen_.size(); ++i) {
      Seen& at = seen_[i];
      add_squares(at.norm_squares, at.norm.take());
      if (at.widths.is_empty()) continue;
      const std::vector<double> means = at.widths.take();
      if (config_.layers[i].kind == LayerKind::kAttention)
        add_heads(at.attention, means);
      else
        add_squares(at.squares, means);
    }
  }

  Scores scores() const {
    Scores scores;
    scores.ffn_reading = reading_;
    scores.hidden.resize(static_cast<size_t>(config_.hidden_size));
    for (const Seen& at : seen_) {
      const std::vector<double> of_norm = roots(at.norm_squares);
      for (size_t i = 0; i < of_norm.size(); ++i) scores.hidden[i] += of_norm[i];
    }
    for (size_t i = 0; i < config_.layers.size(); ++i) {
      const Seen& at = seen_[i];
      LayerScores& layer = scores.layers.emplace_back();
      (config_.layers[i].kind == LayerKind::kMlp ? layer.ffn : layer.mamba) = roots(at.squares);
      layer.attention = at.attention;
      layer.influence = 1 - at.cosines / static_cast<double>(positions_);
    }
    return scores;
  }

 private:
  Seen seen(int64_t width) const { return {MeanAbs(config_.hidden_size), MeanAbs(width), {}, {}, {}, 0}; }

  int64_t width_of(const LayerConfig& layer) const {
    return layer.kind == LayerKind::kMlp     ? layer.intermediate_size
           : layer.kind == LayerKind::kMamba ? config_.d_inner()
                                             : config_.q_rows();
  }

  static double cosine(const float* a, const float* b, size_t n) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; ++i) {
      const double x = a[i], y = b[i];
      ab += x * y;
      aa += x * x;
      bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 1;
  }

  void add_heads(std::vector<double>& heads, const std::vector<double>& means) const {
    heads.resize(static_cast<size_t>(config_.num_attention_heads));
    const auto width = static_cast<size_t>(config_.head_dim);
    for (size_t h = 0; h < heads.size(); ++h) {
      double squares = 0;
      for (size_t d = h * width; d < (h + 1) * width; ++d) squares += means[d] * means[d];
      heads[h] += std::sqrt(squares);
    }
  }

  ModelConfig config_;
  FfnReading reading_;
  std::vector<Seen> seen_;  ///< of every layer, then of the final norm
  std::vector<float> before_;
  int64_t positions_ = 0;
};

bool all_finite(const Scores& scores) {
  const auto finite = [](const std::vector<double>& values) {
    return std::ranges::all_of(values, [](double x) { return std::isfinite(x); });
  };
  return finite(scores.hidden) && std::ranges::all_of(scores.layers, [&](const LayerScores& layer) {
           return finite(layer.ffn) && finite(layer.mamba) && finite(layer.attention) && std::isfinite(layer.influence);
         });
}

}  // namespace

Result<Scores> gather_width_scores(Engine& engine, std::span<const Window> windows, const WidthScoreOptions& options) {
  WidthTally tally(engine.model().config(), options.ffn_reading);
  engine.forward().observe(
      {.input = [&](const BoundTensor& weight, const float* x, int64_t n) { tally.input(weight.spec, x, n); },
       .result = [&](const BoundTensor& weight, const float* y, int64_t n) { tally.result(weight.spec, y, n); },
       .stream = [&](int layer, const float* h, int64_t n) { tally.stream(layer, h, n); }});
  Status status;
  for (size_t i = 0; i < windows.size() && status; ++i) {
    status = run_whole(engine, windows[i]);
    tally.end_window();
    if (status && options.progress)
      status = options.progress(static_cast<double>(i + 1) / static_cast<double>(windows.size()));
  }
  engine.forward().observe({});
  TRY(std::move(status));

  Scores scores = tally.scores();
  if (!all_finite(scores)) return Error::corrupt("an activation grows beyond all numbers on this text");
  scores.model = model_fingerprint(engine.model().bound());
  scores.text = fingerprint(windows);
  scores.windows = static_cast<int64_t>(windows.size());
  return scores;
}

}  // namespace adder
