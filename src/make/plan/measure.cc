#include "make/plan/measure.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/exceptions.h"
#include "core/quant/codec.h"
#include "make/eval/row_scores.h"
#include "make/plan/rounding.h"
#include "run/model/forward.h"

namespace adder {
namespace {

/// Tokens of one pass, all of whose logits are computed.
constexpr int64_t kTokensPerPass = 64;

/// The type every matrix is measured in: coarse enough to stand above what f32 rounds, fine enough for second order.
constexpr DType kProbe = DType::kQ4_0;

/// A model on the text, seen against its parent.
class Measure {
 public:
  Measure(BoundModel model, std::span<const Window> windows, ThreadPool& pool)
      : parent_(std::move(model)), windows_(windows), pool_(pool) {}

  Status read_parent() {
    return run(parent_, [&](std::span<const float> logits) -> Status {
      const auto bad = std::ranges::find_if_not(logits, [](float x) { return std::isfinite(x); });
      if (bad != logits.end()) return Error::corrupt("the model's logits are not finite on this text");
      logits_.insert(logits_.end(), logits.begin(), logits.end());
      return {};
    });
  }

  /// Mean divergence from the parent when tensor `index` has these values.
  Result<double> divergence(size_t index, std::span<const float> values) {
    BoundModel child = parent_;
    TensorView& view = child.tensors[index].view;
    view = {DType::kF32, view.shape, std::as_bytes(values).data()};
    const auto width = static_cast<size_t>(parent_.config.vocab_size);
    size_t at = 0;
    double sum = 0;
    TRY(run(child, [&](std::span<const float> logits) -> Status {
      const auto parents = std::span(logits_).subspan(at, logits.size());
      std::vector<double> kl(logits.size() / width);
      pool_.parallel_for(static_cast<int64_t>(kl.size()), 1, [&](int64_t begin, int64_t end) {
        for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
          kl[i] = compare_rows(parents.subspan(i * width, width), logits.subspan(i * width, width), 0).kl;
      });
      for (const double row : kl) sum += row;
      at += logits.size();
      return {};
    }));
    CHECK(at == logits_.size(), "{} of {}", at, logits_.size());
    if (!std::isfinite(sum)) return Error::corrupt("{}: not finite once rounded", child.tensors[index].name);
    return sum / static_cast<double>(at / width);
  }

  const BoundModel& model() const { return parent_; }

 private:
  template <class OnLogits>
  Status run(const BoundModel& bound, const OnLogits& on_logits) {
    TRY_ASSIGN(const std::shared_ptr<const Model> model, Model::from_bound(bound, pool_));
    Forward forward(model, pool_);
    for (const Window& window : windows_) {
      Sequence sequence(bound.config, DType::kF32);
      for (std::span<const TokenId> left = window.tokens; !left.empty();) {
        const auto part = left.first(std::min(left.size(), static_cast<size_t>(kTokensPerPass)));
        const Segment segment{&sequence, part, Want::kAll};
        TRY_ASSIGN(const std::span<const float> logits, forward.run({&segment, 1}));
        TRY(on_logits(logits));
        left = left.subspan(part.size());
      }
    }
    return {};
  }

  BoundModel parent_;
  std::span<const Window> windows_;
  ThreadPool& pool_;
  std::vector<float> logits_;  ///< the parent's, of every position
};

Status check_source(const BoundModel& model) {
  for (const BoundTensor& tensor : model.tensors)
    if (info(tensor.view.dtype).block_size > 1 || tensor.view.dtype == DType::kF8E4M3)
      return Error::usage("{}: {} is {}; the table is gathered on a model in F32, F16 or BF16", model.file->path(),
                          tensor.spec.gguf_name, name(tensor.view.dtype));
  return {};
}

Status check_same(const Sensitivities& done, const Sensitivities& now) {
  if (done.tensors.empty()) return {};
  if (done.model != now.model) return Error::usage("the table so far is of another model");
  if (done.importance != now.importance) return Error::usage("the table so far was gathered with another importance");
  if (done.text != now.text) return Error::usage("the table so far was gathered on another text");
  return {};
}

Result<TensorSensitivity> measure_tensor(Measure& measure, size_t index, const RowRounding& rounding,
                                         ThreadPool& pool) {
  const BoundTensor& tensor = measure.model().tensors[index];
  TensorSensitivity result;
  result.name = tensor.spec.gguf_name;
  result.elements = tensor.spec.shape.elements();
  result.row_length = tensor.spec.shape.row_length();
  result.probe = result.row_length % info(kProbe).block_size == 0 ? kProbe : DType::kF16;
  for (const DType type : candidate_types(result.row_length)) {
    TRY_ASSIGN(const double error, relative_error(tensor.view, type, rounding, pool));
    result.choices.push_back({type, error});
  }
  TRY_ASSIGN(const std::vector<float> values, rounded(tensor.view, result.probe, rounding, pool));
  TRY_ASSIGN(result.kl, measure.divergence(index, values));
  return result;
}

Result<Sensitivities> gather(BoundModel model, std::span<const Window> windows, const MeasureOptions& options,
                             const Sensitivities& done) {
  TRY(check_source(model));
  Sensitivities table{.model = model_fingerprint(model),
                      .importance = options.imatrix ? options.imatrix->fingerprint() : "",
                      .text = fingerprint(windows),
                      .tensors = {}};
  TRY(check_same(done, table));
  std::vector<size_t> matrices;
  for (size_t i = 0; i < model.tensors.size(); ++i)
    if (model.tensors[i].spec.is_matrix) matrices.push_back(i);

  ThreadPool pool(options.threads);
  Measure measure(std::move(model), windows, pool);
  const auto report = [&](size_t passes) -> Status {
    if (!options.progress) return {};
    return options.progress(static_cast<double>(passes) / static_cast<double>(matrices.size() + 1));
  };
  bool parent_is_read = false;
  for (size_t n = 0; n < matrices.size(); ++n) {
    const TensorSpec& spec = measure.model().tensors[matrices[n]].spec;
    if (const TensorSensitivity* const known = done.find(spec.gguf_name)) {
      table.tensors.push_back(*known);
      continue;
    }
    if (!parent_is_read) TRY(measure.read_parent());
    parent_is_read = true;
    TRY(report(n + 1));
    TRY_ASSIGN(const RowRounding rounding, row_rounding(options.imatrix, spec));
    TRY_ASSIGN(TensorSensitivity tensor, measure_tensor(measure, matrices[n], rounding, pool));
    table.tensors.push_back(std::move(tensor));
    if (options.save) TRY(options.save(table));
  }
  TRY(report(matrices.size() + 1));
  return table;
}

}  // namespace

Result<Sensitivities> measure_sensitivities(BoundModel model, std::span<const Window> windows,
                                            const MeasureOptions& options, const Sensitivities& done) {
  return exceptions_to_errors("the sensitivity table",
                              [&] { return gather(std::move(model), windows, options, done); });
}

}  // namespace adder
