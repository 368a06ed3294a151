#include "make/convert/convert_tensors.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>

#include "core/arch/a_log.h"
#include "core/base/half.h"
#include "core/base/threads.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

/// Elements in memory at a time.
constexpr int64_t kElementsPerStep = int64_t{1} << 21;

/// row / scale in the arithmetic of `type`, for codes to be those that Model Optimizer makes of a matrix of that type:
/// the quotient is rounded to the type before it is rounded to FP8.
void divide(std::span<const float> row, float scale, DType type, std::span<float> out) {
  for (size_t i = 0; i < row.size(); ++i) {
    const float x = row[i] / scale;
    out[i] = type == DType::kBF16  ? bf16_to_float(float_to_bf16(x))
             : type == DType::kF16 ? half_to_float(float_to_half(x))
                                   : x;
  }
}

class Converter {
 public:
  Converter(const BoundModel& model, CheckpointWriter& writer, int threads, const OnConvertProgress& progress)
      : model_(model), writer_(writer), progress_(progress), source_(model.config), pool_(threads) {
    for (const BoundTensor& tensor : model.tensors) total_ += tensor.view.bytes();
  }

  Result<ConvertedTensor> convert(size_t i) {
    const BoundTensor& tensor = model_.tensors[i];
    ConvertedTensor converted{tensor.spec, tensor.view.dtype, writer_.types()[i]};
    Hash128 hash;
    const int64_t rows = tensor.view.shape.rows();
    const int64_t step =
        tensor.spec.role == Role::kA ? rows : std::max(int64_t{1}, kElementsPerStep / tensor.view.shape.row_length());
    for (int64_t begin = 0; begin < rows; begin += step) {
      TensorView part = tensor.view;
      part.data = tensor.view.row(begin);
      part.shape = {std::min(step, rows - begin), tensor.view.shape.row_length()};
      hash.update(part.span());
      TRY(refuse_non_finite(tensor, part, begin));
      TRY_ASSIGN(const int64_t changed,
                 tensor.spec.role == Role::kA ? convert_a(tensor, converted.to) : convert_rows(i, begin, part));
      converted.changed += changed;
      model_.file->release_pages(part.span());
      done_ += part.bytes();
      if (progress_) TRY(progress_({done_, total_}));
    }
    source_.add(tensor.spec, tensor.view.dtype, hash.hex(), tensor.scales);
    return converted;
  }

  std::string source_hash() const { return source_.hex(); }

 private:
  std::string place(const BoundTensor& tensor) const {
    return fmt::format("{}: tensor {}", model_.file->path(), tensor.name);
  }

  Status refuse_non_finite(const BoundTensor& tensor, const TensorView& part, int64_t first_row) const {
    const auto bad = find_non_finite(part.dtype, part.data, part.shape.elements());
    if (!bad) return {};
    return Error::corrupt("{}: element {} is no finite number", place(tensor),
                          first_row * part.shape.row_length() + *bad);
  }

  /// `part`: rows of tensor i from `first` on. Elements that do not come back.
  Result<int64_t> convert_rows(size_t i, int64_t first, const TensorView& part) {
    const BoundTensor& tensor = model_.tensors[i];
    const DType to = writer_.types()[i];
    if (part.dtype == to) {
      TRY(writer_.write_part(part.span()));
      return 0;
    }
    const bool to_fp8 = to == DType::kF8E4M3;
    const float scale = to_fp8 ? writer_.scales().at(i).weight : 1.0f;
    const int64_t length = part.shape.row_length();
    const size_t row_bytes = storage_bytes(to, length);
    encoded_.resize(static_cast<size_t>(part.shape.rows()) * row_bytes);
    std::atomic<int64_t> changed = 0, bad_row = -1;
    pool_.parallel_for(part.shape.rows(), 1, [&](int64_t begin, int64_t end) {
      std::vector<float> row(static_cast<size_t>(length)), back(row.size()), quotients(to_fp8 ? row.size() : 0);
      for (int64_t r = begin; r < end; ++r) {
        std::byte* out = encoded_.data() + static_cast<size_t>(r) * row_bytes;
        decode_rows(tensor, first + r, 1, row);
        if (to_fp8) divide(row, scale, part.dtype, quotients);
        if (!encode(to, to_fp8 ? quotients : row, {}, out)) return bad_row.store(r);
        decode(to, out, back);
        int64_t differing = 0;
        for (size_t j = 0; j < row.size(); ++j) differing += row[j] != back[j] * scale;
        changed += differing;
      }
    });
    if (bad_row >= 0)
      return Error::unsupported("{}: a value is larger than {}, the largest {}", place(tensor), largest_encodable(to),
                                name(to));
    TRY(writer_.write_part(encoded_));
    return changed.load();
  }

  Result<int64_t> convert_a(const BoundTensor& tensor, DType to) {
    std::vector<float> stored(static_cast<size_t>(tensor.view.shape.elements()));
    decode(tensor.view.dtype, tensor.view.data, stored);
    const bool to_log = writer_.layout() == Layout::kHuggingFace;
    if (auto done = writer_.write(stored, tensor.is_a_log ? AForm::kALog : AForm::kA); !done)
      return std::move(done).error().in(model_.file->path());
    return std::ranges::count_if(stored, [&](float value) {
      if (tensor.is_a_log && to_log) return !survives(value, to);
      if (tensor.is_a_log) return !(a_of_log(value) < 0) || log_of_a(a_of_log(value), tensor.view.dtype) != value;
      if (to_log) return a_of_log(log_of_a(value, to)) != value;
      return !survives(value, to);
    });
  }

  const BoundModel& model_;
  CheckpointWriter& writer_;
  const OnConvertProgress& progress_;
  ModelHash source_;
  ThreadPool pool_;
  std::vector<std::byte> encoded_;
  uint64_t done_ = 0, total_ = 0;
};

}  // namespace

bool survives(float value, DType type) {
  std::array<std::byte, sizeof(float)> stored;
  float back = 0;
  if (!encode(type, {&value, 1}, {}, stored.data())) return false;
  decode(type, stored.data(), {&back, 1});
  return back == value;
}

Result<std::vector<ConvertedTensor>> convert_tensors(const BoundModel& model, CheckpointWriter& writer, int threads,
                                                     const OnConvertProgress& progress) {
  std::vector<ConvertedTensor> tensors;
  Converter converter(model, writer, threads, progress);
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    TRY_ASSIGN(ConvertedTensor converted, converter.convert(i));
    tensors.push_back(std::move(converted));
  }
  writer.set_source(converter.source_hash());
  return tensors;
}

}  // namespace adder
