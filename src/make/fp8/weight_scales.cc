#include "make/fp8/weight_scales.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "make/fp8/magnitudes.h"

namespace adder {
namespace {

Magnitudes magnitudes_of(const BoundTensor& tensor, bool counted, ThreadPool& pool) {
  Magnitudes all(counted);
  std::mutex mutex;
  pool.parallel_for(tensor.view.shape.rows(), 64, [&](int64_t begin, int64_t end) {
    Magnitudes part(counted);
    std::vector<float> row(static_cast<size_t>(tensor.view.shape.row_length()));
    for (int64_t r = begin; r < end; ++r) {
      decode_rows(tensor, r, 1, row);
      part.add(row);
    }
    const std::lock_guard lock(mutex);
    all.add(part);
  });
  return all;
}

}  // namespace

Status check_fp8_source(const BoundModel& model) {
  for (const BoundTensor& tensor : model.tensors)
    if (info(tensor.view.dtype).block_size > 1 || tensor.view.dtype == DType::kF8E4M3)
      return Error::usage("{}: tensor {} is {}; FP8 is made of F32, F16 or BF16", model.file->path(), tensor.name,
                          name(tensor.view.dtype));
  return {};
}

float fp8_scale(float limit) {
  const float scale = limit / 448;
  return scale > 0 ? scale : 1.0f;
}

std::vector<float> weight_limits(const BoundModel& model, const std::vector<bool>& chosen, bool least_squares,
                                 ThreadPool& pool) {
  std::vector<float> limits(chosen.size());
  std::map<int, float> shared;  // by layer, of q, k and v
  const auto is_shared = [](Role role) { return role == Role::kQ || role == Role::kK || role == Role::kV; };
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (!chosen[i]) continue;
    const BoundTensor& tensor = model.tensors[i];
    const Magnitudes seen = magnitudes_of(tensor, least_squares, pool);
    limits[i] = least_squares ? seen.least_squares() : seen.largest();
    if (is_shared(tensor.spec.role)) shared[tensor.spec.layer] = std::max(shared[tensor.spec.layer], limits[i]);
    if (model.file) model.file->release_pages(tensor.view.span());
  }
  for (size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i] && is_shared(model.tensors[i].spec.role)) limits[i] = shared[model.tensors[i].spec.layer];
  return limits;
}

}  // namespace adder
