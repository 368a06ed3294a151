#include "make/synth/synth.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "core/arch/bind.h"
#include "core/arch/presets.h"
#include "core/base/testing/temp_dir.h"
#include "core/text/tokenizer.h"
#include "make/synth/random_weights.h"
#include "make/synth/vocabulary.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempDir;

SynthOptions options(Mix mix, Layout layout = Layout::kGguf) {
  SynthOptions result;
  result.mix = mix;
  result.layout = layout;
  result.threads = 2;
  return result;
}

Result<BoundModel> synthesize_and_bind(const ModelConfig& config, const std::filesystem::path& path,
                                       const SynthOptions& how) {
  TRY(synthesize(config, path, how));
  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  return bind(std::make_shared<const ModelFile>(std::move(file)));
}

/// Shapes that differ from the family's in every way it may differ.
std::vector<ModelConfig> odd_configs() {
  std::vector<ModelConfig> configs;
  const auto add = [&](std::string_view pattern, int64_t f, int64_t kv, auto change) {
    ModelConfig config = tiny();
    config.layers = parse_pattern(pattern, f, kv).value();
    change(config);
    configs.push_back(std::move(config));
  };
  add("M-M-", 512, 0, [](ModelConfig& c) { c.num_attention_heads = c.head_dim = 0; });
  add("*-M", 320, 1, [](ModelConfig& c) { c.n_groups = 1; });
  add("M*-", 320, 8, [](ModelConfig& c) { c.mamba_num_heads = 15, c.n_groups = 5; });
  add("M*-", 100, 4, [](ModelConfig& c) { c.hidden_size = 100, c.conv_kernel = 2; });  // rows % 32 != 0
  add("M*-", 96, 2, [](ModelConfig& c) { c.vocab_size = 1001, c.conv_kernel = 3; });
  add("M*-", 96, 2, [](ModelConfig& c) { c.tie_word_embeddings = true; });
  return configs;
}

TEST(Synth, MakesModelsOfAnyShapeInBothLayouts) {
  const TempDir dir;
  int n = 0;
  for (const ModelConfig& config : odd_configs())
    for (const auto& [mix, layout] :
         {std::pair{Mix::kF32, Layout::kGguf}, {Mix::kQ4_K_M, Layout::kGguf}, {Mix::kBF16, Layout::kHuggingFace}}) {
      const auto model = synthesize_and_bind(config, dir / std::to_string(n++), options(mix, layout));
      ASSERT_TRUE(model) << model.error().message();
      EXPECT_EQ(config, model->config);
      for (const BoundTensor& tensor : model->tensors) EXPECT_TRUE(to_f32(tensor)) << tensor.spec.gguf_name;
      const auto tokenizer = Tokenizer::from_file(*model->file);
      ASSERT_TRUE(tokenizer) << tokenizer.error().message();
      EXPECT_EQ(config.vocab_size, tokenizer->vocab_size());
      EXPECT_TRUE(tokenizer->is_stop(2) && tokenizer->is_stop(11));
    }
}

/// The published type of every tensor: 49 Q5_0, 33 Q4_K, 9 Q6_K, 3 Q8_0, 169 F32.
TEST(Synth, GivesTheOfficialTypesToTheOfficialShape) {
  std::map<DType, int> count;
  for (const PlannedType& planned : plan_types(Mix::kQ4_K_M, nano_4b())) ++count[planned.type];
  EXPECT_THAT(count, ElementsAre(std::pair(DType::kF32, 169), std::pair(DType::kQ5_0, 49), std::pair(DType::kQ8_0, 3),
                                 std::pair(DType::kQ4_K, 33), std::pair(DType::kQ6_K, 9)));
}

TEST(Synth, ThreadsDoNotChangeAByteButSeedsDo) {
  const TempDir dir;
  const auto bytes = [&](int threads, uint64_t seed) {
    SynthOptions how = options(Mix::kQ4_0);
    how.threads = threads;
    how.seed = seed;
    EXPECT_TRUE(synthesize(tiny(), dir / "m.gguf", how));
    return read_file(dir / "m.gguf").value();
  };
  const std::string one = bytes(1, 5);
  EXPECT_TRUE(one == bytes(3, 5));
  EXPECT_FALSE(one == bytes(1, 6));
}

TEST(Synth, RefusesWhatItCannotMake) {
  const TempDir dir;
  ModelConfig small = tiny();
  small.vocab_size = kMinSynthVocab - 1;
  const Status too_small = synthesize(small, dir / "m", options(Mix::kF32));
  ASSERT_FALSE(too_small);
  EXPECT_THAT(too_small.error().message(),
              HasSubstr("vocab_size is 273, a synthetic vocabulary takes at least 274: one token for each of the 256"));
  const Status blocks = synthesize(tiny(), dir / "m", options(Mix::kQ8_0, Layout::kHuggingFace));
  ASSERT_FALSE(blocks);
  EXPECT_EQ(ErrorCode::kUsage, blocks.error().code());
  EXPECT_THAT(blocks.error().message(), HasSubstr("q8_0"));
  ModelConfig invalid = tiny();
  invalid.n_groups = 7;
  EXPECT_FALSE(synthesize(invalid, dir / "m", options(Mix::kF32)));
}

TEST(Synth, StopsWhenToldToAndLeavesNothing) {
  const TempDir dir;
  SynthOptions how = options(Mix::kF32);
  how.progress = [](const SynthProgress& progress) -> Status {
    EXPECT_LE(progress.bytes_done, progress.bytes_total);
    return Error::cancelled("enough");
  };
  const Status status = synthesize(tiny(), dir / "m.gguf", how);
  ASSERT_FALSE(status);
  EXPECT_EQ(ErrorCode::kCancelled, status.error().code());
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(RandomWeights, HaveTheStatedSpread) {
  const ModelConfig config = tiny();
  const RandomWeights weights(config, 3);
  for (const TensorSpec& spec : tensor_specs(config)) {
    if (spec.role != Role::kUp && spec.role != Role::kDown && spec.role != Role::kQ) continue;
    const double expected = spec.role == Role::kUp  ? 1 / std::sqrt(160.0)
                            : spec.role == Role::kQ ? 1.4 / std::sqrt(160.0)
                                                    : 1 / std::sqrt(8 * 512.0) / std::sqrt(1.5);
    double sum = 0, squares = 0;
    std::vector<float> row(static_cast<size_t>(spec.shape.row_length()));
    for (int64_t r = 0; r < spec.shape.rows(); ++r) {
      weights.fill_row(spec, r, row);
      for (const float w : row) sum += w, squares += w * w;
    }
    const auto n = static_cast<double>(spec.shape.elements());  // at least 40960: the spread is known to 0.5 %
    EXPECT_NEAR(0, sum / n, 5 * expected / std::sqrt(n)) << spec.gguf_name;
    EXPECT_NEAR(1, std::sqrt(squares / n) / expected, 0.02) << spec.gguf_name;
  }
}

TEST(RandomWeights, StartTimeStepsAsTrainingDoes) {
  const ModelConfig config = nano_4b();
  const RandomWeights weights(config, 3);
  const TensorSpec bias{Role::kDtBias, 0, {96}, "", "", false}, a{Role::kA, 0, {96}, "", "", false};
  std::vector<float> values(96);
  weights.fill_row(bias, 0, values);
  for (const float value : values) {
    const double dt = std::log1p(std::exp(static_cast<double>(value)));
    EXPECT_GT(dt, 0.001 * 0.999);
    EXPECT_LT(dt, 0.1 * 1.001);
  }
  weights.fill_row(a, 0, values);
  EXPECT_EQ(-1, values.front());
  EXPECT_EQ(-96, values.back());
}

TEST(SyntheticVocabulary, HasTheFamilysOrder) {
  const TokenizerData large = synthetic_vocabulary(131072);
  EXPECT_EQ(131072u, large.tokens.size());
  EXPECT_EQ("<s>", large.tokens[1]);
  EXPECT_EQ("<|im_end|>", large.tokens[11]);
  EXPECT_EQ("</think>", large.tokens[13]);
  EXPECT_EQ("<SPECIAL_999>", large.tokens[999]);
  EXPECT_EQ("\u010A", large.tokens[1010]);  // "\n" in the byte alphabet
  EXPECT_EQ(131072u - 1256u, large.merges.size());
}

TEST(SyntheticVocabulary, EncodesAnyText) {
  const auto tokenizer = Tokenizer::from_data(synthetic_vocabulary(2000));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const std::string text = "once upon a time \xf0\x9f\x90\x8d \xff 123";
  EXPECT_EQ(text, tokenizer->decode(tokenizer->encode(text)));
  EXPECT_EQ(1, tokenizer->encode("x").front());  // BOS
}

}  // namespace
}  // namespace adder
