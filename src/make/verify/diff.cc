#include "make/verify/diff.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/arch/bind.h"
#include "make/verify/diff_texts.h"

namespace adder {
namespace {

constexpr int64_t kElementsAtOnce = int64_t{1} << 20;

Result<BoundModel> open(const std::filesystem::path& path) {
  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  return bind(std::make_shared<const ModelFile>(std::move(file)));
}

/// Sums over the elements of one tensor.
struct Sums {
  double largest = 0, squares = 0, reference = 0;

  void add(std::span<const float> a, std::span<const float> b) {
    for (size_t i = 0; i < a.size(); ++i) {
      const double x = a[i], d = x - b[i];
      largest = std::max(largest, std::abs(d));
      squares += d * d;
      reference += x * x;
    }
  }
  double relative_rms() const {
    if (squares == 0) return 0;
    return reference == 0 ? std::numeric_limits<double>::infinity() : std::sqrt(squares / reference);
  }
};

class TensorDiff {
 public:
  TensorDiff(const BoundModel& a, const BoundModel& b, const DiffOptions& options, DiffReport& report)
      : a_(a), b_(b), options_(options), report_(report) {}

  Status run() {
    for (size_t i = 0; i < a_.tensors.size(); ++i) {
      const BoundTensor& tensor = a_.tensors[i];
      const BoundTensor* other = b_.find(tensor.spec.role, tensor.spec.layer);
      if (other == nullptr)
        report_.tensors.push_back({tensor.spec.gguf_name, tensor.view.dtype, std::nullopt, tensor.view.shape, {}});
      else
        TRY(compare(tensor, *other));
      if (options_.progress)
        TRY(options_.progress(static_cast<double>(i + 1) / static_cast<double>(a_.tensors.size())));
    }
    for (const BoundTensor& tensor : b_.tensors)
      if (a_.find(tensor.spec.role, tensor.spec.layer) == nullptr)
        report_.tensors.push_back({tensor.spec.gguf_name, std::nullopt, tensor.view.dtype, {}, tensor.view.shape});
    return {};
  }

 private:
  Status compare(const BoundTensor& a, const BoundTensor& b) {
    ++report_.tensors_compared;
    TensorDifference found{a.spec.gguf_name, a.view.dtype, b.view.dtype, a.view.shape, b.view.shape};
    const bool same_form = a.view.dtype == b.view.dtype && a.view.shape == b.view.shape && a.is_a_log == b.is_a_log &&
                           a.scales == b.scales;
    if (same_form && std::ranges::equal(a.view.span(), b.view.span())) {
      release(a, b, 0, a.view.shape.rows());
      return {};
    }
    bool same_values = false;
    if (a.view.shape == b.view.shape) {
      TRY_ASSIGN(const Sums sums, a.spec.role == Role::kA ? sums_of_a(a, b) : sums_of(a, b));
      found.max_abs = sums.largest;
      found.relative_rms = sums.relative_rms();
      same_values = sums.largest == 0;
    }
    if (!(options_.values_only && same_values)) report_.tensors.push_back(std::move(found));
    return {};
  }

  Result<Sums> sums_of_a(const BoundTensor& a, const BoundTensor& b) {
    TRY_ASSIGN(const auto ours, to_f32(a));
    TRY_ASSIGN(const auto theirs, to_f32(b));
    Sums sums;
    sums.add(ours, theirs);
    return sums;
  }

  Result<Sums> sums_of(const BoundTensor& a, const BoundTensor& b) {
    Sums sums;
    const int64_t rows = a.view.shape.rows(), length = a.view.shape.row_length();
    const int64_t step = std::max(int64_t{1}, kElementsAtOnce / length);
    std::vector<float> ours, theirs;
    for (int64_t begin = 0; begin < rows; begin += step) {
      const int64_t n = std::min(step, rows - begin);
      ours.resize(static_cast<size_t>(n * length));
      theirs.resize(ours.size());
      decode_rows(a, begin, n, ours);
      decode_rows(b, begin, n, theirs);
      sums.add(ours, theirs);
      release(a, b, begin, n);
    }
    return sums;
  }

  void release(const BoundTensor& a, const BoundTensor& b, int64_t begin, int64_t n) const {
    a_.file->release_pages({a.view.row(begin), static_cast<size_t>(n) * a.view.row_bytes()});
    b_.file->release_pages({b.view.row(begin), static_cast<size_t>(n) * b.view.row_bytes()});
  }

  const BoundModel &a_, &b_;
  const DiffOptions& options_;
  DiffReport& report_;
};

}  // namespace

Result<DiffReport> diff(const std::filesystem::path& a, const std::filesystem::path& b, const DiffOptions& options) {
  TRY_ASSIGN(const BoundModel ours, open(a));
  TRY_ASSIGN(const BoundModel theirs, open(b));
  DiffReport report;
  report.config = diff_configs(ours.config, theirs.config);
  TRY_ASSIGN(report.tokenizer, diff_tokenizers(*ours.file, *theirs.file));
  if (!options.values_only) report.metadata = diff_metadata(*ours.file, *theirs.file);
  TRY(TensorDiff(ours, theirs, options, report).run());
  return report;
}

}  // namespace adder
