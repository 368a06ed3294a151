#include "make/train/export/export.h"

#include "core/arch/checkpoint_writer.h"
#include "core/arch/config_gguf.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

std::vector<DType> types_of(Mix mix, const ModelConfig& config) {
  std::vector<DType> types;
  for (const PlannedType& planned : plan_types(mix, config)) types.push_back(planned.type);
  return types;
}

Result<CheckpointWriter> gguf_writer(const ModelConfig& config, const TokenizerData& tokenizer,
                                     const ExportNotes& notes, Mix mix, std::vector<ReceiptStep> steps,
                                     const std::filesystem::path& out) {
  TRY_ASSIGN(std::vector<GgufEntry> metadata, gguf_entries(tokenizer));
  TRY(set_nested(metadata, notes.nested));
  metadata.push_back(gguf_text("general.name", notes.title));
  metadata.push_back(gguf_text("general.license", "apache-2.0"));
  metadata.push_back(gguf_u32("general.file_type", info(mix).file_type));
  return CheckpointWriter::gguf(out, config, types_of(mix, config), metadata, std::move(steps));
}

Result<CheckpointWriter> hugging_face_writer(const ModelConfig& config, const TokenizerData& tokenizer,
                                             const ExportNotes& notes, Mix mix, std::vector<ReceiptStep> steps,
                                             const std::filesystem::path& out) {
  if (mix != Mix::kF32 && mix != Mix::kBF16) {
    return Error::usage("{}: a Hugging Face directory holds f32 or bf16, not {} (name a .gguf file for that)",
                        out.string(), info(mix).name);
  }
  HfFiles files;
  if (notes.nested) set_nested(files.config, notes.nested);
  TRY_ASSIGN(files.tokenizer, to_tokenizer_json(tokenizer));
  files.tokenizer_config = to_tokenizer_config_json(tokenizer);
  files.generation = to_generation_config_json(tokenizer);
  const std::vector<TensorSpec> specs = tensor_specs(config);
  return CheckpointWriter::hugging_face(out, config, uniform_types(specs, Layout::kHuggingFace, info(mix).matrix_type),
                                        std::move(files), std::move(steps));
}

}  // namespace

Status export_model(const Parameters& params, const TokenizerData& tokenizer, const ExportNotes& notes, Mix mix,
                    const std::filesystem::path& out) {
  const ModelConfig& config = params.config();
  std::vector<ReceiptStep> steps = notes.steps;
  steps.push_back({fmt::format("export --type {}", info(mix).name), ""});
  TRY_ASSIGN(CheckpointWriter writer, out.extension() == ".gguf"
                                          ? gguf_writer(config, tokenizer, notes, mix, std::move(steps), out)
                                          : hugging_face_writer(config, tokenizer, notes, mix, std::move(steps), out));
  for (const torch::Tensor& value : params.values()) {
    const torch::Tensor host = value.to(torch::kCPU, torch::kFloat32).contiguous();
    TRY(writer.write({host.data_ptr<float>(), static_cast<size_t>(host.numel())}, AForm::kALog));
  }
  return writer.finish();
}

}  // namespace adder
