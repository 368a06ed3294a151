#include "make/calib/gather.h"

#include <algorithm>
#include <cmath>

#include "core/base/exceptions.h"
#include "make/calib/observe.h"
#include "run/engine/engine.h"

namespace adder {
namespace {

/// What one matrix was given so far.
class Inputs {
 public:
  /// `gram_columns` as in GatherOptions.
  void add(const BoundTensor& weight, const float* x, int64_t n, int64_t gram_columns, ThreadPool& pool) {
    const int64_t width = weight.spec.shape.row_length();
    squares_.resize(static_cast<size_t>(width));
    zeros_.spec = weight.spec;
    zeros_.elements += n * width;
    rows_ += n;
    if (gram_columns > 0) {
      if (gram_.block == 0) gram_ = empty_gram(width, gram_columns);
      add_products(gram_, x, n, pool);
    }
    for (const float* const end = x + n * width; x != end; x += width) {
      add_squares(x);
      zeros_.zeros += zeros_in_groups(x, width, 1);
      zeros_.zeros_in_4 += zeros_in_groups(x, width, 4);
      zeros_.zeros_in_32 += zeros_in_groups(x, width, 32);
    }
  }

  bool finite() const {
    return std::ranges::all_of(squares_, [](double sum) { return std::isfinite(static_cast<float>(sum)); });
  }
  const ZeroShares& zeros() const { return zeros_; }
  Gram take_gram() {
    complete(gram_);
    return std::move(gram_);
  }
  Imatrix::Entry entry() const { return {{squares_.begin(), squares_.end()}, {static_cast<float>(rows_)}}; }

 private:
  void add_squares(const float* x) {
    for (size_t i = 0; i < squares_.size(); ++i) squares_[i] += static_cast<double>(x[i]) * x[i];
  }

  /// Elements of x in groups of `size` that are zero throughout.
  static int64_t zeros_in_groups(const float* x, int64_t width, int64_t size) {
    int64_t found = 0;
    for (int64_t begin = 0; begin + size <= width; begin += size)
      if (std::all_of(x + begin, x + begin + size, [](float value) { return value == 0; })) found += size;
    return found;
  }

  std::vector<double> squares_;
  ZeroShares zeros_;
  int64_t rows_ = 0;
  Gram gram_;
};

Result<Calibration> gather_all(Engine& engine, std::span<const Window> windows, const GatherOptions& options) {
  const std::vector<BoundTensor>& tensors = engine.model().bound().tensors;
  std::vector<Inputs> inputs(tensors.size());
  ThreadPool pool(options.threads);
  const auto add = [&](const BoundTensor& weight, const float* x, int64_t n) {
    inputs[static_cast<size_t>(&weight - tensors.data())].add(weight, x, n, options.gram_columns, pool);
  };
  TRY(observe(engine, windows, true, add, options.progress));

  Calibration result;
  result.imatrix.datasets = options.datasets;
  result.imatrix.chunk_count = static_cast<uint32_t>(windows.size());
  result.imatrix.chunk_size = static_cast<uint32_t>(options.window);
  for (Inputs& seen : inputs) {
    if (seen.zeros().elements == 0) continue;
    if (!seen.finite())
      return Error::corrupt("the input of {} grows beyond all numbers on this text", seen.zeros().spec.gguf_name);
    result.imatrix.entries[seen.zeros().spec.gguf_name] = seen.entry();
    if (options.gram_columns > 0) result.imatrix.grams[seen.zeros().spec.gguf_name] = seen.take_gram();
    result.zeros.push_back(seen.zeros());
  }
  return result;
}

}  // namespace

Result<Calibration> gather(Engine& engine, std::span<const Window> windows, const GatherOptions& options) {
  return exceptions_to_errors("what the inputs add up to", [&] { return gather_all(engine, windows, options); });
}

}  // namespace adder
