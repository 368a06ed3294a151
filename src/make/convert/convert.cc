#include "make/convert/convert.h"

#include <algorithm>

#include "core/arch/bind.h"
#include "core/arch/checkpoint_writer.h"
#include "core/arch/config_gguf.h"
#include "make/convert/hf_texts.h"
#include "make/convert/output_types.h"
#include "make/quantize/carried_metadata.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// The scales of a directory's tensors.
std::vector<Fp8Scales> scales_of(const BoundModel& model) {
  std::vector<Fp8Scales> scales;
  for (const BoundTensor& tensor : model.tensors) scales.push_back(tensor.scales);
  return scales;
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

Result<ConvertReport> convert(const fs::path& input, const fs::path& output, const ConvertOptions& options) {
  const Layout layout = layout_of(output);
  TRY(check_output(input, output, options.split_bytes));
  TRY_ASSIGN(auto file, ModelFile::open(input));
  TRY_ASSIGN(const BoundModel model, bind(std::make_shared<const ModelFile>(std::move(file))));
  TRY_ASSIGN(std::vector<DType> types, output_types(model, layout, options.type));
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
