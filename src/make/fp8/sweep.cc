#include "make/fp8/sweep.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "core/arch/budget.h"
#include "core/base/threads.h"
#include "core/quant/codec.h"
#include "make/eval/row_scores.h"
#include "make/fp8/weight_scales.h"
#include "run/model/forward.h"

namespace adder {
namespace {

/// Tokens of one pass, all of whose logits are computed.
constexpr int64_t kSweepTokens = 64;

/// One model at work on a window.
class Runner {
 public:
  static Result<std::unique_ptr<Runner>> make(const BoundModel& bound, ThreadPool& pool) {
    TRY_ASSIGN(std::shared_ptr<const Model> model, Model::from_bound(bound, pool));
    return std::unique_ptr<Runner>(new Runner(std::move(model), pool));
  }

  void begin_window() { sequence_.emplace(model_->config(), DType::kF32); }
  Result<std::span<const float>> run(std::span<const TokenId> tokens) {
    const Segment segment{&*sequence_, tokens, Want::kAll};
    return forward_.run({&segment, 1});
  }

 private:
  Runner(std::shared_ptr<const Model> model, ThreadPool& pool) : model_(std::move(model)), forward_(model_, pool) {}

  std::shared_ptr<const Model> model_;
  Forward forward_;
  std::optional<Sequence> sequence_;
};

/// A tensor as it is in FP8.
struct Rounded {
  std::vector<std::byte> codes;
  float scale = 1;
};

Rounded rounded_to_fp8(const BoundTensor& tensor, float limit, ThreadPool& pool) {
  const int64_t rows = tensor.view.shape.rows(), length = tensor.view.shape.row_length();
  Rounded result{std::vector<std::byte>(static_cast<size_t>(rows * length)), fp8_scale(limit)};
  pool.parallel_for(rows, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> row(static_cast<size_t>(length));
    for (int64_t r = begin; r < end; ++r) {
      decode_rows(tensor, r, 1, row);
      for (float& x : row) x /= result.scale;
      const auto encoded = encode(DType::kF8E4M3, row, {}, result.codes.data() + r * length);
      CHECK(encoded.has_value(), "{}", encoded.error().message());  // the parent's numbers have been found finite
    }
  });
  return result;
}

/// The parent, its matrices in FP8, and a model of each configuration, all at work together.
class Sweeper {
 public:
  Sweeper(const BoundModel& parent, ThreadPool& pool) : parent_(parent), pool_(pool) {}

  Status load() {
    TRY(check_fp8_source(parent_));
    const std::vector<Fp8Configuration> configurations = fp8_configurations(parent_.config);
    if (configurations.empty()) return Error::usage("{}: no matrix for FP8", parent_.file->path());
    TRY_ASSIGN(parent_runner_, Runner::make(parent_, pool_));
    const std::vector<bool>& most = configurations.front().chosen;  // "all"
    const std::vector<float> limits = weight_limits(parent_, most, false, pool_);
    rounded_.resize(most.size());
    for (size_t i = 0; i < most.size(); ++i)
      if (most[i]) rounded_[i] = rounded_to_fp8(parent_.tensors[i], limits[i], pool_);
    sweep_.parent_bytes_per_token = weight_bytes_per_token(parent_);
    for (const Fp8Configuration& configuration : configurations) {
      BoundModel child = parent_;
      for (size_t i = 0; i < most.size(); ++i) {
        if (!configuration.chosen[i]) continue;
        child.tensors[i].view = {DType::kF8E4M3, child.tensors[i].view.shape, rounded_[i].codes.data()};
        child.tensors[i].scales.weight = rounded_[i].scale;
      }
      sweep_.points.push_back({.name = configuration.name, .bytes_per_token = weight_bytes_per_token(child), .kl = {}});
      TRY_ASSIGN(auto runner, Runner::make(child, pool_));
      runners_.push_back(std::move(runner));
    }
    return {};
  }

  Status run(const Window& window) {
    parent_runner_->begin_window();
    for (const auto& runner : runners_) runner->begin_window();
    const std::span<const TokenId> tokens = window.tokens;
    for (size_t at = 0; at < tokens.size(); at += static_cast<size_t>(kSweepTokens)) {
      const auto part = tokens.subspan(at, std::min(tokens.size() - at, static_cast<size_t>(kSweepTokens)));
      const auto next = tokens.subspan(at + 1, std::min(part.size(), tokens.size() - at - 1));
      TRY_ASSIGN(const auto parents, parent_runner_->run(part));
      for (size_t i = 0; i < runners_.size(); ++i) {
        TRY_ASSIGN(const auto logits, runners_[i]->run(part));
        TRY(compare(parents, logits, next, i));
      }
    }
    return {};
  }

  Fp8Sweep result() { return std::move(sweep_); }

 private:
  Status compare(std::span<const float> parents, std::span<const float> logits, std::span<const TokenId> next,
                 size_t i) {
    const auto width = static_cast<size_t>(parent_.config.vocab_size);
    std::vector<RowDivergence> rows(next.size());
    pool_.parallel_for(static_cast<int64_t>(rows.size()), 1, [&](int64_t begin, int64_t end) {
      for (auto r = static_cast<size_t>(begin); r < static_cast<size_t>(end); ++r)
        rows[r] = compare_rows(parents.subspan(r * width, width), logits.subspan(r * width, width), next[r]);
    });
    Fp8Point& point = sweep_.points[i];
    for (size_t r = 0; r < rows.size(); ++r) {
      if (!std::isfinite(rows[r].kl)) return Error::corrupt("{}: logits that are not finite", point.name);
      point.kl.add(rows[r].kl);
      point.same_top += rows[r].parent.top == rows[r].child.top;
      point.right += rows[r].child.top == next[r];
      if (i == 0) sweep_.parent_right += rows[r].parent.top == next[r];
    }
    if (i == 0) sweep_.positions += static_cast<int64_t>(rows.size());
    return {};
  }

  const BoundModel& parent_;
  ThreadPool& pool_;
  std::vector<Rounded> rounded_;
  std::unique_ptr<Runner> parent_runner_;
  std::vector<std::unique_ptr<Runner>> runners_;
  Fp8Sweep sweep_;
};

}  // namespace

double Fp8Sweep::recovery(const Fp8Point& point) const {
  return parent_right == 0 ? 1 : static_cast<double>(point.right) / static_cast<double>(parent_right);
}

bool Fp8Sweep::is_on_frontier(const Fp8Point& point) const {
  return std::ranges::none_of(points, [&](const Fp8Point& other) {
    const bool no_worse = other.bytes_per_token <= point.bytes_per_token && other.kl.mean() <= point.kl.mean();
    return no_worse && (other.bytes_per_token < point.bytes_per_token || other.kl.mean() < point.kl.mean());
  });
}

Result<Fp8Sweep> sweep_fp8(const BoundModel& parent, std::span<const Window> windows, int threads,
                           const std::function<Status(double done)>& progress) {
  ThreadPool pool(threads);
  Sweeper sweeper(parent, pool);
  TRY(sweeper.load());
  for (size_t i = 0; i < windows.size(); ++i) {
    TRY(sweeper.run(windows[i]));
    if (progress) TRY(progress(static_cast<double>(i + 1) / static_cast<double>(windows.size())));
  }
  Fp8Sweep sweep = sweeper.result();
  if (sweep.positions == 0) return Error::usage("no sample has two tokens");
  return sweep;
}

}  // namespace adder
