#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "core/arch/checkpoint_writer.h"
#include "core/arch/presets.h"
#include "core/base/rng.h"
#include "core/text/tiny_vocabulary_test.h"
#include "core/text/tokenizer_io.h"
#include "run/engine/engine.h"

namespace adder::test {

namespace fs = std::filesystem;

/// Small, with every width its own number and two groups of everything that comes in groups.
inline ModelConfig small_config(std::string_view pattern = "M-M*-M") {
  ModelConfig config;
  config.layers = parse_pattern(pattern, 96, 2).value();
  config.vocab_size = 264;
  config.hidden_size = 64;
  config.num_attention_heads = 8;
  config.head_dim = 16;
  config.mamba_num_heads = 8;
  config.mamba_head_dim = 8;
  config.ssm_state_size = 16;
  config.n_groups = 2;
  config.conv_kernel = 4;
  config.max_position_embeddings = 512;
  return config;
}

/// Gives the values of one tensor in canonical shape; A as A.
using TensorValues = std::function<std::vector<float>(const TensorSpec&)>;

/// Random values under which activations stay of about unit size and every part matters.
inline TensorValues random_values(uint64_t seed) {
  return [seed](const TensorSpec& spec) {
    Rng rng(seed, static_cast<uint64_t>(spec.layer + 1) << 8 | static_cast<uint64_t>(spec.role));
    const float scale = 1.0f / std::sqrt(static_cast<float>(spec.shape.row_length()));
    std::vector<float> values(static_cast<size_t>(spec.shape.elements()));
    for (float& value : values) {
      const float x = rng.normal();
      value = spec.role == Role::kEmbedding                                ? x
              : spec.is_matrix                                             ? 2 * scale * x
              : spec.role == Role::kA                                      ? -std::exp(x / 2)
              : spec.role == Role::kConvWeight                             ? x / 2
              : spec.role == Role::kConvBias || spec.role == Role::kDtBias ? x / 4
                                                                           : 1 + x / 4;
    }
    return values;
  };
}

inline void write_model(const fs::path& path, const ModelConfig& config, const TensorValues& values,
                        DType matrices = DType::kF32) {
  const std::vector<TensorSpec> specs = tensor_specs(config);
  auto metadata = gguf_entries(tiny_vocabulary()).value();
  auto writer =
      path.extension() == ".gguf"
          ? CheckpointWriter::gguf(path, config, uniform_types(specs, Layout::kGguf, matrices), metadata)
          : CheckpointWriter::hugging_face(path, config, uniform_types(specs, Layout::kHuggingFace, matrices), {});
  ASSERT_TRUE(writer) << writer.error().message();
  for (const TensorSpec& spec : specs) {
    const Status written = writer->write(values(spec));
    ASSERT_TRUE(written) << written.error().message();
  }
  const Status finished = writer->finish();
  ASSERT_TRUE(finished) << finished.error().message();
}

inline BoundModel open_bound(const fs::path& path) {
  auto file = ModelFile::open(path);
  EXPECT_TRUE(file) << file.error().message();
  auto bound = bind(std::make_shared<const ModelFile>(std::move(file).value()));
  EXPECT_TRUE(bound) << bound.error().message();
  return std::move(bound).value();
}

inline std::unique_ptr<Engine> open_engine(const fs::path& path) {
  auto engine = Engine::open(path, {.threads = 1, .kv_type = DType::kF32, .context = 512});
  EXPECT_TRUE(engine) << engine.error().message();
  return std::move(engine).value();
}

inline std::vector<TokenId> some_tokens(int64_t n, uint64_t seed = 5) {
  Rng rng(seed);
  std::vector<TokenId> tokens;
  for (int64_t i = 0; i < n; ++i) tokens.push_back(static_cast<TokenId>(rng.below(256)));
  return tokens;
}

/// Logits of all positions, the text fed `step` tokens at a time.
inline std::vector<float> logits_of(Engine& engine, const std::vector<TokenId>& tokens, size_t step = 1000) {
  Sequence sequence = engine.new_sequence().value();
  std::vector<float> all;
  for (std::span<const TokenId> left = tokens; !left.empty();) {
    const auto part = left.first(std::min(left.size(), step));
    const Segment segment{&sequence, part, Want::kAll};
    const auto logits = engine.forward().run({&segment, 1});
    EXPECT_TRUE(logits) << logits.error().message();
    all.insert(all.end(), logits->begin(), logits->end());
    left = left.subspan(part.size());
  }
  return all;
}
inline std::vector<float> logits_of(const fs::path& path, const std::vector<TokenId>& tokens, size_t step = 1000) {
  return logits_of(*open_engine(path), tokens, step);
}

inline double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
  return most;
}

}  // namespace adder::test
