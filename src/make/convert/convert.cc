#include "make/convert/convert.h"

#include <algorithm>
#include <cmath>
#include <system_error>

#include "core/arch/a_log.h"
#include "core/arch/bind.h"
#include "core/arch/checkpoint_writer.h"
#include "core/arch/config_gguf.h"
#include "make/convert/hf_texts.h"
#include "make/quantize/carried_metadata.h"
#include "make/quantize/mix.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_plain(DType type) {
  return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16;
}

/// The scales of a directory's tensors.
std::vector<Fp8Scales> scales_of(const BoundModel& model) {
  std::vector<Fp8Scales> scales;
  for (const BoundTensor& tensor : model.tensors) scales.push_back(tensor.scales);
  return scales;
}

/// What GGUF calls a file whose matrices have this type; null if that is no plain type.
const MixInfo* plain_mix(DType type) {
  const auto found = std::ranges::find(all_mixes(), type, &MixInfo::matrix_type);
  return is_plain(type) && found != all_mixes().end() ? &*found : nullptr;
}

Status check_request(const fs::path& input, const fs::path& output, const ConvertOptions& options, Layout layout) {
  std::error_code ignored;
  if (fs::equivalent(input, output, ignored)) return Error::usage("{}: input and output are the same", output.string());
  if (layout == Layout::kGguf && fs::is_directory(output, ignored))
    return Error::usage("{}: a directory, expected the name of a GGUF file to write", output.string());
  if (layout == Layout::kHuggingFace && options.split_bytes > 0)
    return Error::usage("{}: only GGUF files are split, and their names end in .gguf", output.string());
  return {};
}

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

Result<std::vector<DType>> output_types(const BoundModel& model, Layout layout, const ConvertOptions& options) {
  const auto once = types_once(model);
  std::vector<DType> types;
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    const BoundTensor& tensor = model.tensors[i];
    const DType own = tensor.view.dtype;
    DType type = options.type.value_or(own);
    if (!tensor.spec.is_matrix && layout == Layout::kGguf) {
      type = DType::kF32;
    } else if (!tensor.spec.is_matrix && !options.type && model.file->gguf() != nullptr) {
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

Result<CheckpointWriter> open_writer(const BoundModel& model, const fs::path& output, Layout layout,
                                     std::vector<DType> types, const ConvertOptions& options) {
  auto steps = steps_from(*model.file,
                          options.type ? fmt::format("convert --type {}", plain_mix(*options.type)->name) : "convert");
  if (layout == Layout::kHuggingFace) {
    TRY_ASSIGN(HfFiles texts, hf_texts(*model.file));
    if (std::ranges::count(types, DType::kF8E4M3) == 0)
      return CheckpointWriter::hugging_face(output, model.config, std::move(types), std::move(texts), std::move(steps));
    const json& quantization = json_member(model.file->hf()->config(), kQuantizationKey);
    if (!quantization.is_null()) texts.config[kQuantizationKey] = quantization;
    texts.quant_config = model.file->hf()->quant_config();
    return CheckpointWriter::hugging_face(output, model.config, std::move(types), std::move(texts), std::move(steps),
                                          scales_of(model));
  }
  TRY_ASSIGN(std::vector<GgufEntry> metadata, carried_metadata(model));
  if (const MixInfo* mix = plain_mix(types.front()); mix && (options.type || model.file->hf() != nullptr))
    metadata.push_back(gguf_u32("general.file_type", mix->file_type));
  return CheckpointWriter::gguf(output, model.config, std::move(types), metadata, std::move(steps),
                                options.split_bytes);
}

}  // namespace

Result<std::vector<DType>> directory_types(const BoundModel& model) {
  return output_types(model, Layout::kHuggingFace, {});
}

Result<ConvertReport> convert(const fs::path& input, const fs::path& output, const ConvertOptions& options) {
  const Layout layout = output.extension() == ".gguf" ? Layout::kGguf : Layout::kHuggingFace;
  TRY(check_request(input, output, options, layout));
  TRY_ASSIGN(auto file, ModelFile::open(input));
  TRY_ASSIGN(const BoundModel model, bind(std::make_shared<const ModelFile>(std::move(file))));
  TRY_ASSIGN(std::vector<DType> types, output_types(model, layout, options));
  TRY_ASSIGN(CheckpointWriter writer, open_writer(model, output, layout, std::move(types), options));

  ConvertReport report;
  TRY_ASSIGN(report.tensors, convert_tensors(model, writer, options.threads, options.progress));
  TRY(writer.finish());
  for (const ConvertedTensor& tensor : report.tensors) {
    report.bytes_in += storage_bytes(tensor.from, tensor.spec.shape.elements());
    report.bytes_out += storage_bytes(tensor.to, tensor.spec.shape.elements());
  }
  for (const NamedTensor& tensor : model.skipped) report.left_out.push_back(tensor.name);
  report.outputs = writer.paths();
  return report;
}

}  // namespace adder
