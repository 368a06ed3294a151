#include "make/fp8/write.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "core/base/half.h"
#include "core/base/rng.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/text/tiny_vocabulary_test.h"
#include "core/text/tokenizer_io.h"
#include "make/verify/verify.h"
#include "run/engine/engine.h"

namespace adder {
namespace {

using testing::expect_error;
using testing::TempDir;

ModelConfig small() {
  ModelConfig config;
  config.layers = parse_pattern("M-M*-", 40, 2).value();
  config.vocab_size = 264;
  config.hidden_size = 24;
  config.num_attention_heads = 4;
  config.head_dim = 8;
  config.mamba_num_heads = 4;
  config.mamba_head_dim = 8;
  config.ssm_state_size = 8;
  config.n_groups = 2;
  config.conv_kernel = 4;
  config.max_position_embeddings = 100;
  return config;
}

Status write_parent(const std::filesystem::path& path, DType matrices) {
  HfFiles files;
  TRY_ASSIGN(files.tokenizer, to_tokenizer_json(tiny_vocabulary()));
  files.tokenizer_config = to_tokenizer_config_json(tiny_vocabulary());
  const auto specs = tensor_specs(small());
  TRY_ASSIGN(CheckpointWriter writer,
             CheckpointWriter::hugging_face(path, small(), uniform_types(specs, Layout::kHuggingFace, matrices),
                                            std::move(files), {{"made", ""}}));
  Rng rng(3);
  for (const TensorSpec& spec : specs) {
    std::vector<float> values(static_cast<size_t>(spec.shape.elements()));
    for (float& x : values)
      x = spec.role == Role::kA ? -1.0f : spec.is_matrix ? rng.normal() / 5 : 0.5f + rng.uniform();
    TRY(writer.write(values));
  }
  return writer.finish();
}

const std::vector<Window> kWindows = {{{kBos, 'a', 'b', 'c', kHello}, 0}, {{kBos, 'x', 'y'}, 0}};

class Fp8Directory : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    const Status written = write_parent(dir_ / "parent", GetParam());
    ASSERT_TRUE(written) << written.error().message();
    auto engine = Engine::open(dir_ / "parent", {.threads = 2, .kv_type = DType::kF32, .context = 64});
    ASSERT_TRUE(engine) << engine.error().message();
    engine_ = std::move(*engine);
  }
  const BoundModel& parent() const { return engine_->model().bound(); }
  const BoundTensor& tensor(Role role, int layer) const { return *parent().find(role, layer); }
  size_t index(Role role, int layer) const {
    return static_cast<size_t>(&tensor(role, layer) - parent().tensors.data());
  }
  float largest_weight(Role role, int layer) const {
    float largest = 0;
    const std::vector<float> weights = to_f32(tensor(role, layer)).value();
    for (const float w : weights) largest = std::max(largest, std::abs(w));
    return largest;
  }

  TempDir dir_;
  std::unique_ptr<Engine> engine_;
};

INSTANTIATE_TEST_SUITE_P(Types, Fp8Directory, ::testing::Values(DType::kF32, DType::kF16, DType::kBF16));

TEST_P(Fp8Directory, ScalesReachUpToTheLargest) {
  const Fp8Options options{.policy = Fp8Policy::kAll, .cache = Fp8Cache::kCalibrated};
  const auto scales = calibrate_fp8(*engine_, kWindows, options).value();
  ASSERT_EQ(scales.size(), parent().tensors.size());
  EXPECT_EQ(scales[index(Role::kUp, 1)].weight, largest_weight(Role::kUp, 1) / 448);
  EXPECT_EQ(scales[index(Role::kOutput, -1)].weight, largest_weight(Role::kOutput, -1) / 448);
  EXPECT_EQ(scales[index(Role::kEmbedding, -1)], Fp8Scales{});
  EXPECT_EQ(scales[index(Role::kConvWeight, 0)], Fp8Scales{});
  const float shared =
      std::max({largest_weight(Role::kQ, 3), largest_weight(Role::kK, 3), largest_weight(Role::kV, 3)});
  for (const Role role : {Role::kQ, Role::kK, Role::kV}) EXPECT_EQ(scales[index(role, 3)].weight, shared / 448);
  EXPECT_EQ(scales[index(Role::kO, 3)].weight, largest_weight(Role::kO, 3) / 448);

  std::map<const BoundTensor*, float> inputs;
  float keys = 0;
  engine_->forward().observe({.input = [&](const BoundTensor& weight, const float* x, int64_t n) {
    const int64_t width = weight.view.shape.row_length();
    for (int64_t i = 0; i < n * width; ++i) inputs[&weight] = std::max(inputs[&weight], std::abs(x[i]));
    if (weight.spec.role != Role::kK) return;
    const std::vector<float> w = to_f32(weight).value();
    for (int64_t t = 0; t < n; ++t) {
      for (int64_t r = 0; r < weight.view.shape.rows(); ++r) {
        double sum = 0;
        for (int64_t c = 0; c < width; ++c)
          sum += static_cast<double>(x[t * width + c]) * w[static_cast<size_t>(r * width + c)];
        keys = std::max(keys, static_cast<float>(std::abs(sum)));
      }
    }
  }});
  for (const Window& window : kWindows) {
    Sequence sequence = engine_->new_sequence().value();
    const Segment segment{&sequence, window.tokens, Want::kAll};
    ASSERT_TRUE(engine_->forward().run({&segment, 1}));
  }
  EXPECT_EQ(inputs.size(), 4u + 4 + 4 + 1);
  for (const auto& [weight, largest] : inputs)
    EXPECT_EQ(scales[static_cast<size_t>(weight - parent().tensors.data())].input, largest / 448) << weight->name;
  EXPECT_NEAR(scales[index(Role::kK, 3)].cache.value() / (keys / 448), 1, 1e-5);
  EXPECT_TRUE(scales[index(Role::kV, 3)].cache);
  EXPECT_FALSE(scales[index(Role::kQ, 3)].cache);
}

TEST_P(Fp8Directory, HoldsTheRoundedWeightsAndRuns) {
  const Fp8Options options{.policy = Fp8Policy::kSelective, .cache = Fp8Cache::kCalibrated};
  const auto scales = calibrate_fp8(*engine_, kWindows, options).value();
  const auto tensors = write_fp8(parent(), dir_ / "fp8", scales, options, "quantize", 2);
  ASSERT_TRUE(tensors) << tensors.error().message();

  auto child = Engine::open(dir_ / "fp8", {.threads = 1, .context = 64});
  ASSERT_TRUE(child) << child.error().message();
  const BoundModel& model = (*child)->model().bound();
  const std::vector<bool> chosen = fp8_tensors(options.policy, small());
  for (size_t i = 0; i < chosen.size(); ++i) {
    const BoundTensor &before = parent().tensors[i], &after = model.tensors[i];
    EXPECT_EQ(after.scales, scales[i]) << after.name;
    ASSERT_EQ(after.view.dtype, chosen[i] ? DType::kF8E4M3 : before.view.dtype) << after.name;
    if (!chosen[i]) {
      EXPECT_TRUE(std::ranges::equal(before.view.span(), after.view.span())) << after.name;
      continue;
    }
    const std::vector<float> w = to_f32(before).value();
    for (size_t j = 0; j < w.size(); ++j) {
      float quotient = w[j] / scales[i].weight;  // in the type of the weights
      if (GetParam() == DType::kBF16) quotient = bf16_to_float(float_to_bf16(quotient));
      if (GetParam() == DType::kF16) quotient = half_to_float(float_to_half(quotient));
      ASSERT_EQ(static_cast<uint8_t>(after.view.data[j]), float_to_e4m3(quotient)) << after.name << " " << j;
    }
  }
  GenerateRequest request;
  request.prompt = {kBos, 'a'};
  request.max_tokens = 8;
  EXPECT_TRUE((*child)->generate(request));
  const auto report = verify(dir_ / "fp8");
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_THAT(report->damage, ::testing::IsEmpty());
  EXPECT_TRUE(report->is_sealed);
}

TEST_P(Fp8Directory, RefusesWhatCannotBe) {
  const std::vector<Fp8Scales> scales(parent().tensors.size());
  expect_error(write_fp8(parent(), dir_ / "m.gguf", scales, {}, "", 1), ErrorCode::kUsage, "GGUF has no FP8");
  expect_error(write_fp8(parent(), dir_ / "parent", scales, {}, "", 1), ErrorCode::kUsage, "the same");
  ASSERT_TRUE(write_fp8(parent(), dir_ / "fp8", scales, {}, "", 1));
  auto child = Engine::open(dir_ / "fp8", {.threads = 1, .context = 64}).value();
  expect_error(calibrate_fp8(*child, kWindows, {}), ErrorCode::kUsage, "is F8_E4M3; FP8 is made of F32, F16 or BF16");
}

}  // namespace
}  // namespace adder
