#include "core/arch/bind.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "core/arch/a_log.h"
#include "core/arch/problems.h"
#include "core/base/system_memory.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

/// Both base prefixes of the Hugging Face layout mean the same.
std::string_view without_prefix(std::string_view name) {
  for (const std::string_view prefix : {"backbone.", "model."})
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  return name;
}

Shape without_unit_axes(const Shape& shape) {
  Shape result;
  for (const int64_t dim : shape.dims())
    if (dim != 1) result.push_back(dim);
  return result;
}

/// The same elements in the same order: unit axes do not count, and the gated norm's weight may be split by group.
bool same_elements(const Shape& found, const TensorSpec& spec, const ModelConfig& config) {
  const Shape squeezed = without_unit_axes(found);
  if (squeezed == without_unit_axes(spec.shape)) return true;
  return spec.role == Role::kSsmNorm && squeezed == without_unit_axes(gguf_shape(spec, config));
}

bool type_fits(DType dtype, const TensorSpec& spec) {
  const bool is_plain = dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
  return is_plain || (spec.is_matrix && can_decode(dtype));
}

/// The file's tensors by the name a spec would look for, each struck out when used.
class Inventory {
 public:
  Inventory(const ModelFile& file, BoundModel& model, Problems& problems) : hf_(file.hf() != nullptr) {
    for (const NamedTensor& tensor : file.tensors()) {
      if (tensor.name.starts_with("mtp.")) {
        model.skipped.push_back(tensor);
        continue;
      }
      if (!by_name_.emplace(hf_ ? without_prefix(tensor.name) : tensor.name, &tensor).second)
        problems.add("tensor {} is there under both prefixes", tensor.name);
    }
  }

  const NamedTensor* take(const TensorSpec& spec) { return take(hf_ ? spec.hf_name : spec.gguf_name); }
  const NamedTensor* take(std::string_view name) {
    const auto found = by_name_.find(hf_ ? without_prefix(name) : name);
    if (found == by_name_.end()) return nullptr;
    const NamedTensor* tensor = found->second;
    by_name_.erase(found);
    return tensor;
  }

  std::vector<std::string_view> left() const {
    std::vector<std::string_view> names;
    for (const auto& [key, tensor] : by_name_) names.push_back(tensor->name);
    std::ranges::sort(names);
    return names;
  }

 private:
  bool hf_;
  std::unordered_map<std::string_view, const NamedTensor*> by_name_;
};

void compare(const TensorSpec& spec, const NamedTensor& found, const ModelConfig& config, Problems& problems) {
  const bool whole_blocks = spec.shape.row_length() % info(found.view.dtype).block_size == 0;
  if (!same_elements(found.view.shape, spec, config) || !whole_blocks)
    problems.add("tensor {} has shape {}, expected {}", found.name, to_string(found.view.shape), to_string(spec.shape));
  if (!type_fits(found.view.dtype, spec))
    problems.add("tensor {} has type {}, expected {}", found.name, name(found.view.dtype),
                 spec.is_matrix ? "F32, F16, BF16, F8_E4M3 or a quantised type" : "F32, F16 or BF16");
}

/// A scale, if it is there.
std::optional<float> take_scale(const TensorSpec& spec, std::string_view suffix, Inventory& inventory,
                                Problems& problems) {
  const NamedTensor* found = inventory.take(scale_name(spec, suffix));
  if (!found) return std::nullopt;
  float value = 1;
  if (found->view.dtype != DType::kF32 || found->view.shape.elements() != 1) {
    problems.add("tensor {} is {} {}, expected one number in F32: a scale for the whole matrix", found->name,
                 name(found->view.dtype), to_string(found->view.shape));
    return value;
  }
  std::memcpy(&value, found->view.data, sizeof value);
  if (!(value > 0) || !std::isfinite(value))
    problems.add("tensor {} is {}, expected a finite number above 0", found->name, value);
  return value;
}

/// `required`: the directory says that matrices in FP8 have scales.
Fp8Scales take_scales(const TensorSpec& spec, DType dtype, bool required, Inventory& inventory, Problems& problems) {
  Fp8Scales scales;
  const bool is_fp8 = dtype == DType::kF8E4M3;
  const auto weight = take_scale(spec, kWeightScale, inventory, problems);
  scales.weight = weight.value_or(1.0f);
  scales.input = take_scale(spec, kInputScale, inventory, problems);
  if (const std::string_view cache = cache_scale(spec.role); !cache.empty())
    scales.cache = take_scale(spec, cache, inventory, problems);
  if ((weight || scales.input) && !is_fp8)
    problems.add("tensor {} is there, but the matrix is {}", scale_name(spec, weight ? kWeightScale : kInputScale),
                 name(dtype));
  if (!weight && is_fp8 && required) problems.add("tensor {} is missing", scale_name(spec, kWeightScale));
  return scales;
}

/// The tensor that a tied model may hold and does not need, if it says what the embedding says. The bytes of an
/// embedding that has problems itself are not looked at.
void skip_tied_output(Inventory& inventory, BoundModel& model, Problems& problems) {
  ModelConfig untied = model.config;
  untied.tie_word_embeddings = false;
  const NamedTensor* output = inventory.take(tensor_specs(untied).back());
  if (!output) return;
  model.skipped.push_back(*output);
  if (!problems.empty()) return;
  const BoundTensor* embedding = model.find(Role::kEmbedding);
  if (output->view.dtype != embedding->view.dtype || !std::ranges::equal(output->view.span(), embedding->view.span()))
    problems.add("tensor {} differs from {}, but tie_word_embeddings is true", output->name, embedding->name);
}

/// Rows that lie in pieces side by side.
void decode_pieces(std::span<const TensorView> pieces, int64_t first, int64_t n, std::span<float> out) {
  for (int64_t r = first; r < first + n; ++r) {
    for (const TensorView& piece : pieces) {
      const auto width = static_cast<size_t>(piece.shape.row_length());
      decode(piece.dtype, piece.row(r), out.first(width));
      out = out.subspan(width);
    }
  }
}

}  // namespace

const BoundTensor* BoundModel::find(Role role, int layer) const {
  const auto found = std::ranges::find_if(
      tensors, [&](const BoundTensor& tensor) { return tensor.spec.role == role && tensor.spec.layer == layer; });
  return found == tensors.end() ? nullptr : &*found;
}

int64_t BoundModel::mapped_bytes() const {
  if (!is_part) return static_cast<int64_t>(file->mapped_bytes());
  auto bytes = static_cast<int64_t>(file->text_bytes());
  for (const BoundTensor& tensor : tensors) bytes += static_cast<int64_t>(tensor.view.bytes());
  return bytes;
}

void BoundModel::unmap(const BoundTensor& tensor) const {
  if (!file || tensor.is_joined) return;
  if (tensor.pieces.empty()) file->release_pages(tensor.view.span());
  for (const TensorView& piece : tensor.pieces) file->release_pages(piece.span());
}

void BoundModel::give_up(const BoundTensor& tensor, std::span<const std::byte> part) const {
  if (tensor.is_joined)
    give_back(part);
  else if (file)
    file->release_pages(part);
}

Result<BoundModel> bind(std::shared_ptr<const ModelFile> file) {
  if (file->gguf() && file->gguf()->find(kNestedNamesKey)) {
    TRY_ASSIGN(const std::vector<std::string> names, file->gguf()->texts(kNestedNamesKey));
    return Error::unsupported("{}: a model at the sizes {}, of which one must be named (--size)", file->path(),
                              fmt::join(names, ", "));
  }
  BoundModel model;
  TRY_ASSIGN(model.config, read_config(*file));
  const bool hf = file->hf() != nullptr;
  bool scales_required = false;
  if (hf) {
    TRY_ASSIGN(scales_required, says_fp8(*file->hf()));
  }
  Problems problems;
  Inventory inventory(*file, model, problems);
  for (TensorSpec& spec : tensor_specs(model.config)) {
    const NamedTensor* found = inventory.take(spec);
    if (!found) {
      problems.add("tensor {} {} is missing", hf ? spec.hf_name : spec.gguf_name, to_string(spec.shape));
      continue;
    }
    compare(spec, *found, model.config, problems);
    TensorView view = found->view;
    view.shape = spec.shape;
    const bool is_a_log = hf && spec.role == Role::kA;
    Fp8Scales scales;
    if (hf && spec.is_matrix) scales = take_scales(spec, view.dtype, scales_required, inventory, problems);
    model.tensors.push_back({std::move(spec), view, is_a_log, found->name, scales});
  }
  if (model.config.tie_word_embeddings) skip_tied_output(inventory, model, problems);
  for (const std::string_view name : inventory.left()) problems.add("tensor {} is not part of the model", name);
  TRY(problems.status(ErrorCode::kCorrupt,
                      fmt::format("{}: tensors do not fit layers {}", file->path(), model.config.pattern())));
  model.file = std::move(file);
  return model;
}

void decode_rows(const BoundTensor& tensor, int64_t first, int64_t n, std::span<float> out) {
  CHECK(static_cast<int64_t>(out.size()) == n * tensor.view.shape.row_length(), "{} numbers for {} rows", out.size(),
        n);
  if (tensor.pieces.empty())
    decode(tensor.view.dtype, tensor.view.row(first), out);
  else
    decode_pieces(tensor.pieces, first, n, out);
  if (tensor.scales.weight != 1)
    for (float& value : out) value *= tensor.scales.weight;
}

Result<std::vector<float>> to_f32(const BoundTensor& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.view.shape.elements()));
  decode_rows(tensor, 0, tensor.view.shape.rows(), values);
  if (tensor.is_a_log)
    for (float& value : values) value = a_of_log(value);
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  if (bad != values.end())
    return Error::corrupt("tensor {}: element {} is {}", tensor.name, bad - values.begin(), *bad);
  return values;
}

}  // namespace adder
