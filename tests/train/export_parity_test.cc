#include "make/train/export/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/rng.h"
#include "make/train/data/bpe_trainer.h"
#include "make/train/nn/model.h"
#include "run/model/forward.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kTokens = 150;  // more than two chunks of the engine's and of the trainer's

TokenizerData small_tokenizer() {
  const WordCounts words = {{"the", 9}, {" rat", 8}, {" ran", 7}, {" cat", 6}};
  return train_bpe(words, 280).value();
}

ModelConfig config_of(std::string_view pattern) {
  ModelConfig config;
  config.layers = parse_pattern(pattern, 96, 2).value();
  config.vocab_size = 280;
  config.hidden_size = 48;
  config.num_attention_heads = 4;
  config.head_dim = 16;
  config.mamba_num_heads = 6;
  config.mamba_head_dim = 16;
  config.ssm_state_size = 32;
  config.n_groups = 2;
  config.conv_kernel = 4;
  config.max_position_embeddings = 512;
  return config;
}

/// Random, and far from where training starts: norms and skips too.
Parameters random_parameters(const ModelConfig& config) {
  Parameters params(config, torch::kFloat32);
  params.initialise(11, 0.15);
  torch::NoGradGuard no_grad;
  torch::manual_seed(4);
  for (torch::Tensor& value : params.values()) {
    if (value.dim() == 1) value.add_(torch::randn_like(value), 0.2);
  }
  return params;
}

std::vector<TokenId> random_ids(int64_t vocab_size) {
  Rng rng(9);
  std::vector<TokenId> ids(kTokens);
  for (TokenId& id : ids) id = static_cast<TokenId>(rng.below(static_cast<uint64_t>(vocab_size)));
  return ids;
}

torch::Tensor engine_logits(const fs::path& path, const std::vector<TokenId>& ids) {
  ThreadPool pool(1);
  const auto model = Model::load(path, pool);
  EXPECT_TRUE(model) << model.error().message();
  Forward forward(*model, pool);
  Sequence sequence((*model)->config(), DType::kF32);
  const Segment segment{&sequence, ids, Want::kAll};
  const auto logits = forward.run({&segment, 1});
  EXPECT_TRUE(logits) << logits.error().message();
  return torch::tensor(std::vector<float>(logits->begin(), logits->end())).view({kTokens, -1});
}

class ExportParity : public testing::TestWithParam<std::string> {};

TEST_P(ExportParity, EngineSaysWhatTheTrainerSays) {
  const ModelConfig config = config_of(GetParam());
  const Parameters params = random_parameters(config);
  const std::vector<TokenId> ids = random_ids(config.vocab_size);
  torch::NoGradGuard no_grad;
  const torch::Tensor tokens = torch::tensor(std::vector<int64_t>(ids.begin(), ids.end())).view({1, -1});
  const torch::Tensor expected = forward(params, tokens, {}).view({kTokens, -1});
  ASSERT_GT(expected.abs().max().item<double>(), 0.5) << "logits this small would agree by accident";

  const fs::path base = fs::path(testing::TempDir()) / "export-parity";
  fs::remove_all(base);
  fs::create_directories(base);
  for (const fs::path& out : {base / "model.gguf", base / "directory"}) {
    const Status written = export_model(params, small_tokenizer(), {"parity", {{"random", ""}}}, Mix::kF32, out);
    ASSERT_TRUE(written) << written.error().message();
    EXPECT_LT((engine_logits(out, ids) - expected).abs().max().item<double>(), 2e-3) << out;
  }
}

INSTANTIATE_TEST_SUITE_P(Patterns, ExportParity, testing::Values("M-M*-", "*-M", "MM-"));

TEST(Export, HuggingFaceDirectoriesHoldNoBlockTypes) {
  const Parameters params = random_parameters(config_of("M-"));
  const Status status = export_model(params, small_tokenizer(), {"x", {{"random", ""}}}, Mix::kQ8_0,
                                     fs::path(testing::TempDir()) / "no-such-directory");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), testing::HasSubstr("f32 or bf16"));
}

}  // namespace
}  // namespace adder
