#include "make/fp8/write.h"

#include <system_error>

#include "make/convert/hf_texts.h"
#include "make/convert/output_types.h"
#include "make/fp8/quant_config.h"

namespace adder {

Result<std::vector<ConvertedTensor>> write_fp8(const BoundModel& model, const std::filesystem::path& output,
                                               std::vector<Fp8Scales> scales, const Fp8Options& options,
                                               std::string recipe, int threads, const OnConvertProgress& progress) {
  if (output.extension() == ".gguf")
    return Error::usage("{}: GGUF has no FP8; expected the name of a directory to write", output.string());
  std::error_code ignored;
  if (std::filesystem::equivalent(model.file->path(), output, ignored))
    return Error::usage("{}: input and output are the same", output.string());
  const std::vector<bool> chosen = fp8_tensors(options.policy, model.config);
  TRY_ASSIGN(std::vector<DType> types, output_types(model, Layout::kHuggingFace, {}));
  for (size_t i = 0; i < types.size(); ++i)
    if (chosen[i]) types[i] = DType::kF8E4M3;

  TRY_ASSIGN(HfFiles texts, hf_texts(*model.file));
  Fp8Words words = fp8_words(model.config, chosen, options.cache != Fp8Cache::kNone);
  texts.config[kQuantizationKey] = std::move(words.quantization_config);
  texts.quant_config = std::move(words.quant_config);
  auto steps = steps_from(*model.file, std::move(recipe));
  TRY_ASSIGN(CheckpointWriter writer,
             CheckpointWriter::hugging_face(output, model.config, std::move(types), std::move(texts), std::move(steps),
                                            std::move(scales)));
  TRY_ASSIGN(auto tensors, convert_tensors(model, writer, threads, progress));
  TRY(writer.finish());
  return tensors;
}

}  // namespace adder
