#include "make/convert/output_types.h"

#include <algorithm>
#include <cmath>
#include <system_error>

#include "core/arch/a_log.h"
#include "make/convert/convert_tensors.h"
#include "make/quantize/carried_metadata.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// The same for all values of a small tensor. A survives as an A_log whose A is it, give or take what another program's
/// exp rounds otherwise.
bool all_survive(const BoundTensor& tensor, const std::vector<float>& values, DType type) {
  return std::ranges::all_of(values, [&](float value) {
    if (tensor.spec.role == Role::kA)
      return value < 0 && std::abs(a_of_log(log_of_a(value, type)) - value) <= 2.4e-7f * std::abs(value);
    return survives(value, type);
  });
}

/// The types that the directory had which this file was made from, if it tells.
std::vector<std::optional<DType>> types_once(const BoundModel& model) {
  std::vector<std::optional<DType>> types(model.tensors.size());
  if (model.file->gguf() == nullptr) return types;
  const auto names = model.file->gguf()->texts(kHfTypesKey);
  if (!names || names->size() != types.size()) return types;
  for (size_t i = 0; i < types.size(); ++i) {
    types[i] = dtype_from_name((*names)[i]);
    if (types[i] && !is_plain(*types[i])) types[i].reset();
  }
  return types;
}

/// The type of a tensor that is no matrix, in a directory made from GGUF.
Result<DType> small_type(const BoundTensor& tensor, DType wanted) {
  if (tensor.view.dtype == wanted && !(tensor.spec.role == Role::kA)) return wanted;
  TRY_ASSIGN(const std::vector<float> values, to_f32(tensor));
  return all_survive(tensor, values, wanted) ? wanted : DType::kF32;
}

}  // namespace

bool is_plain(DType type) {
  return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16;
}

const MixInfo* plain_mix(DType type) {
  const auto found = std::ranges::find(all_mixes(), type, &MixInfo::matrix_type);
  return is_plain(type) && found != all_mixes().end() ? &*found : nullptr;
}

Result<std::vector<DType>> output_types(const BoundModel& model, Layout layout, std::optional<DType> matrices) {
  const auto once = types_once(model);
  std::vector<DType> types;
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    const BoundTensor& tensor = model.tensors[i];
    const DType own = tensor.view.dtype;
    DType type = matrices.value_or(own);
    if (!tensor.spec.is_matrix && layout == Layout::kGguf) {
      type = DType::kF32;
    } else if (!tensor.spec.is_matrix && !matrices && model.file->gguf() != nullptr) {
      TRY_ASSIGN(type, small_type(tensor, once[i].value_or(types.front())));
    }
    const bool fits = layout == Layout::kGguf ? info(type).ggml_type >= 0 : is_plain(type) || type == DType::kF8E4M3;
    if (!fits)
      return Error::usage("{}: tensor {} is {}, which {} does not hold; say with --type what it is to become",
                          model.file->path(), tensor.name, name(own),
                          layout == Layout::kGguf ? "GGUF" : "a Hugging Face directory");
    types.push_back(type);
  }
  return types;
}

Layout layout_of(const fs::path& output) {
  return output.extension() == ".gguf" ? Layout::kGguf : Layout::kHuggingFace;
}

Status check_output(const fs::path& input, const fs::path& output, uint64_t split_bytes) {
  const Layout layout = layout_of(output);
  std::error_code ignored;
  if (fs::equivalent(input, output, ignored)) return Error::usage("{}: input and output are the same", output.string());
  if (layout == Layout::kGguf && fs::is_directory(output, ignored))
    return Error::usage("{}: a directory, expected the name of a GGUF file to write", output.string());
  if (layout == Layout::kHuggingFace && split_bytes > 0)
    return Error::usage("{}: only GGUF files are split, and their names end in .gguf", output.string());
  return {};
}

}  // namespace adder
