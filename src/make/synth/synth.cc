#include "make/synth/synth.h"

#include <algorithm>
#include <iterator>

#include "core/arch/config_gguf.h"
#include "core/quant/codec.h"
#include "core/text/tokenizer_io.h"
#include "make/fp8/quant_config.h"
#include "make/fp8/weight_scales.h"
#include "make/synth/random_weights.h"
#include "make/synth/vocabulary.h"

namespace adder {
namespace {

/// Elements between two reports of progress: some tenths of a second.
constexpr int64_t kElementsPerStep = int64_t{1} << 22;

/// What inputs of matrices in FP8 are said to reach: four times what most of them do.
constexpr float kLargestInput = 16;

std::vector<DType> types_of(const ModelConfig& config, const SynthOptions& options) {
  if (options.fp8) {
    std::vector<DType> types = uniform_types(tensor_specs(config), options.layout, DType::kBF16);
    const std::vector<bool> chosen = fp8_tensors(*options.fp8, config);
    for (size_t i = 0; i < types.size(); ++i)
      if (chosen[i]) types[i] = DType::kF8E4M3;
    return types;
  }
  if (options.layout == Layout::kHuggingFace)
    return uniform_types(tensor_specs(config), options.layout, info(options.mix).matrix_type);
  std::vector<DType> types;
  for (const PlannedType& planned : plan_types(options.mix, config)) types.push_back(planned.type);
  return types;
}

/// The largest number of a matrix that a draw can give is 448; q, k and v, which other engines multiply as one, share
/// it.
std::vector<Fp8Scales> scales_of(const ModelConfig& config, Fp8Policy policy, uint64_t seed) {
  const RandomWeights weights(config, seed);
  const std::vector<TensorSpec> specs = tensor_specs(config);
  const std::vector<bool> chosen = fp8_tensors(policy, config);
  std::vector<Fp8Scales> scales(specs.size());
  for (size_t i = 0; i < specs.size(); ++i) {
    if (!chosen[i]) continue;
    const auto is_qkv = [](Role role) { return role == Role::kQ || role == Role::kK || role == Role::kV; };
    float largest = weights.largest(specs[i]);
    for (const TensorSpec& other : specs)
      if (is_qkv(specs[i].role) && is_qkv(other.role) && other.layer == specs[i].layer)
        largest = std::max(largest, weights.largest(other));
    scales[i] = {.weight = fp8_scale(largest), .input = fp8_scale(kLargestInput), .cache = {}};
  }
  return scales;
}

/// All that decides the bytes. A shape that is no preset's is told by the file's own config.
std::vector<ReceiptStep> steps_of(const SynthOptions& options) {
  const std::string type =
      options.fp8 ? fmt::format("fp8 --fp8-policy {}", name(*options.fp8)) : std::string(info(options.mix).name);
  return {{fmt::format("synth {} --seed {} --type {}{}", options.name, options.seed, type,
                       options.layout == Layout::kHuggingFace ? " --hf" : ""),
           ""}};
}

Result<CheckpointWriter> gguf_writer(const ModelConfig& config, const std::filesystem::path& path,
                                     const TokenizerData& tokenizer, const SynthOptions& options) {
  std::vector<GgufEntry> metadata = {gguf_text("general.name", options.name),
                                     gguf_u32("general.file_type", info(options.mix).file_type)};
  TRY_ASSIGN(auto tokenizer_entries, gguf_entries(tokenizer));
  std::ranges::move(tokenizer_entries, std::back_inserter(metadata));
  return CheckpointWriter::gguf(path, config, types_of(config, options), metadata, steps_of(options));
}

Result<CheckpointWriter> hugging_face_writer(const ModelConfig& config, const std::filesystem::path& path,
                                             const TokenizerData& tokenizer, const SynthOptions& options) {
  if (!options.fp8 && info(info(options.mix).matrix_type).block_size != 1)
    return Error::usage("type {} is for GGUF files; the Hugging Face layout takes f32, f16 or bf16",
                        info(options.mix).name);
  HfFiles files;
  TRY_ASSIGN(files.tokenizer, to_tokenizer_json(tokenizer));
  files.tokenizer_config = to_tokenizer_config_json(tokenizer);
  files.generation = to_generation_config_json(tokenizer);
  std::vector<Fp8Scales> scales;
  if (options.fp8) {
    Fp8Words words = fp8_words(config, fp8_tensors(*options.fp8, config), false);
    files.config[kQuantizationKey] = std::move(words.quantization_config);
    files.quant_config = std::move(words.quant_config);
    scales = scales_of(config, *options.fp8, options.seed);
  }
  return CheckpointWriter::hugging_face(path, config, types_of(config, options), std::move(files), steps_of(options),
                                        std::move(scales));
}

/// Draws and encodes tensor after tensor, rows split over threads.
class Synthesizer {
 public:
  Synthesizer(const ModelConfig& config, const SynthOptions& options, CheckpointWriter& writer)
      : options_(options), writer_(writer), weights_(config, options.seed), pool_(options.threads) {
    for (size_t i = 0; i < writer.specs().size(); ++i) total_ += stored_bytes(i);
  }

  Status write(size_t i) {
    const TensorSpec& spec = writer_.specs()[i];
    if (spec.role == Role::kA) {
      std::vector<float> a(static_cast<size_t>(spec.shape.elements()));
      weights_.fill_row(spec, 0, a);
      TRY(writer_.write(a, AForm::kA));
    } else {
      std::vector<std::byte> stored(stored_bytes(i));
      TRY(encode_rows(i, stored));
      TRY(writer_.write_stored(stored));
    }
    done_ += stored_bytes(i);
    return {};
  }

 private:
  uint64_t stored_bytes(size_t i) const {
    return storage_bytes(writer_.types()[i], writer_.specs()[i].shape.elements());
  }

  Status encode_rows(size_t i, std::span<std::byte> stored) {
    const TensorSpec& spec = writer_.specs()[i];
    const DType type = writer_.types()[i];
    const int64_t length = spec.shape.row_length();
    const int64_t step = std::max(int64_t{1}, kElementsPerStep / length);
    for (int64_t first = 0; first < spec.shape.rows(); first += step) {
      const int64_t n = std::min(step, spec.shape.rows() - first);
      pool_.parallel_for(n, 1, [&](int64_t begin, int64_t end) {
        std::vector<float> row(static_cast<size_t>(length));
        for (int64_t r = first + begin; r < first + end; ++r) {
          weights_.fill_row(spec, r, row);
          if (type == DType::kF8E4M3)
            for (float& w : row) w /= writer_.scales()[i].weight;
          const auto encoded = encode(type, row, {}, &stored[static_cast<size_t>(r) * storage_bytes(type, length)]);
          CHECK(encoded.has_value(), "{}", encoded.error().message());  // our own numbers are finite and small
        }
      });
      if (options_.progress) TRY(options_.progress({spec, done_ + storage_bytes(type, (first + n) * length), total_}));
    }
    return {};
  }

  const SynthOptions& options_;
  CheckpointWriter& writer_;
  RandomWeights weights_;
  ThreadPool pool_;
  uint64_t done_ = 0, total_ = 0;
};

}  // namespace

Status synthesize(const ModelConfig& config, const std::filesystem::path& path, const SynthOptions& options) {
  TRY(validate(config));
  if (config.vocab_size < kMinSynthVocab)
    return Error::usage(
        "vocab_size is {}, a synthetic vocabulary takes at least {}: one token for each of the 256 bytes and 18 "
        "special ones",
        config.vocab_size, kMinSynthVocab);
  if (options.fp8 && options.layout != Layout::kHuggingFace)
    return Error::usage("GGUF has no FP8: it takes the Hugging Face layout");
  const TokenizerData tokenizer = synthetic_vocabulary(config.vocab_size);
  TRY_ASSIGN(CheckpointWriter writer, options.layout == Layout::kGguf
                                          ? gguf_writer(config, path, tokenizer, options)
                                          : hugging_face_writer(config, path, tokenizer, options));
  Synthesizer synthesizer(config, options, writer);
  for (size_t i = 0; i < writer.specs().size(); ++i) TRY(synthesizer.write(i));
  return writer.finish();
}

}  // namespace adder
