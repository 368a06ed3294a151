#include "make/calib/gather.h"

#include <algorithm>
#include <cmath>

#include "make/calib/observe.h"
#include "run/engine/engine.h"

namespace adder {
namespace {

/// What one matrix was given so far.
class Inputs {
 public:
  void add(const BoundTensor& weight, const float* x, int64_t n) {
    const int64_t width = weight.spec.shape.row_length();
    squares_.resize(static_cast<size_t>(width));
    zeros_.spec = weight.spec;
    zeros_.elements += n * width;
    rows_ += n;
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
};

}  // namespace

Result<Calibration> gather(Engine& engine, std::span<const Window> windows, std::vector<std::string> datasets,
                           int64_t window, const std::function<Status(double done)>& progress) {
  const std::vector<BoundTensor>& tensors = engine.model().bound().tensors;
  std::vector<Inputs> inputs(tensors.size());
  const auto add = [&](const BoundTensor& weight, const float* x, int64_t n) {
    inputs[static_cast<size_t>(&weight - tensors.data())].add(weight, x, n);
  };
  TRY(observe(engine, windows, true, add, progress));

  Calibration result;
  result.imatrix.datasets = std::move(datasets);
  result.imatrix.chunk_count = static_cast<uint32_t>(windows.size());
  result.imatrix.chunk_size = static_cast<uint32_t>(window);
  for (const Inputs& seen : inputs) {
    if (seen.zeros().elements == 0) continue;
    if (!seen.finite())
      return Error::corrupt("the input of {} grows beyond all numbers on this text", seen.zeros().spec.gguf_name);
    result.imatrix.entries[seen.zeros().spec.gguf_name] = seen.entry();
    result.zeros.push_back(seen.zeros());
  }
  return result;
}

}  // namespace adder
