#include "make/train/nn/load.h"

#include <algorithm>
#include <cmath>

#include "core/quant/codec.h"

namespace adder {
namespace {

/// A_log as the trainer has it, from a file that stores A_log or A = -exp(A_log).
Result<std::vector<float>> a_log(const BoundTensor& tensor) {
  TRY_ASSIGN(std::vector<float> values, to_f32(tensor));
  if (tensor.is_a_log) {
    decode(tensor.view.dtype, tensor.view.data, values);
    return values;
  }
  for (float& value : values) {
    if (!(value < 0)) return Error::corrupt("tensor {}: a decay rate is {}, expected less than 0", tensor.name, value);
    value = std::log(-value);
  }
  return values;
}

}  // namespace

Result<Parameters> load_parameters(const BoundModel& model, torch::TensorOptions options) {
  Parameters params(model.config, options);
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    const BoundTensor& tensor = model.tensors[i];
    auto read = tensor.spec.role == Role::kA ? a_log(tensor) : to_f32(tensor);
    if (!read) return std::move(read).error().in(model.file->path());
    params.values()[i].copy_(torch::from_blob(read->data(), params.values()[i].sizes(), torch::kFloat32));
  }
  return params;
}

}  // namespace adder
