#include "core/arch/bind.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/arch/model_files_for_test.h"
#include "core/arch/presets.h"

namespace adder {
namespace {

using test::Draft;
using test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal(const Result<BoundModel>& bound) {
  EXPECT_FALSE(bound);
  return bound ? "" : bound.error().message();
}
std::string gguf_refusal(const Draft& draft) {
  const TempDir dir;
  return refusal(bind(test::write_gguf(dir, draft)));
}
std::string hf_refusal(const Draft& draft) {
  const TempDir dir;
  return refusal(bind(test::write_hf(dir, draft)));
}

TEST(Bind, FindsEveryTensorOfBothLayouts) {
  for (const bool hf : {false, true}) {
    const TempDir dir;
    const auto file =
        hf ? test::write_hf(dir, test::hf_draft(tiny())) : test::write_gguf(dir, test::gguf_draft(tiny()));
    const auto bound = bind(file);
    ASSERT_TRUE(bound) << bound.error().message();
    EXPECT_EQ(tiny(), bound->config);
    const auto specs = tensor_specs(tiny());
    ASSERT_EQ(specs.size(), bound->tensors.size());
    for (size_t i = 0; i < specs.size(); ++i) {
      const BoundTensor& tensor = bound->tensors[i];
      EXPECT_EQ(specs[i].role, tensor.spec.role);
      EXPECT_EQ(specs[i].shape, tensor.view.shape) << specs[i].gguf_name;
      EXPECT_EQ(hf && specs[i].role == Role::kA, tensor.is_a_log);
      EXPECT_EQ(hf ? specs[i].hf_name : specs[i].gguf_name, tensor.name);
      EXPECT_EQ(file->find_tensor(tensor.name)->data, tensor.view.data);
    }
    EXPECT_EQ((Shape{512, 160}), bound->find(Role::kUp, 1)->view.shape);
    EXPECT_EQ(nullptr, bound->find(Role::kUp, 0));
  }
}

TEST(Bind, AcceptsTheOtherBasePrefixAndSkipsPredictionHeads) {
  Draft draft = test::hf_draft(tiny());
  for (auto& line : draft.tensors)
    if (line.name.starts_with("backbone.")) line.name.replace(0, 8, "model");
  draft.tensors.push_back({"mtp.layers.0.norm.weight", DType::kBF16, {160}});
  const TempDir dir;
  const auto bound = bind(test::write_hf(dir, draft));
  EXPECT_TRUE(bound) << bound.error().message();
}

TEST(Bind, TensorsItSkipsMayHaveAnyType) {
  Draft draft = test::hf_draft(tiny());
  for (const char* type : {"F64", "I64", "I32", "U8", "BOOL", "F8_E5M2"})
    draft.tensors.push_back({fmt::format("mtp.{}", type), dtype_from_safetensors(type).value(), {8}});
  const TempDir dir;
  const auto bound = bind(test::write_hf(dir, draft));
  ASSERT_TRUE(bound) << bound.error().message();
  ASSERT_EQ(6u, bound->skipped.size());
  EXPECT_EQ("mtp.F64", bound->skipped[0].name);
  EXPECT_EQ(DType::kF64, bound->skipped[0].view.dtype);
}

TEST(Bind, WeightsMustHaveATypeThatCanBeDecoded) {
  for (const char* type : {"F64", "I64", "I32", "U8", "BOOL", "F8_E5M2"}) {
    Draft draft = test::hf_draft(tiny());
    draft.tensor("backbone.embeddings.weight").dtype = dtype_from_safetensors(type).value();
    draft.tensor("backbone.norm_f.weight").dtype = dtype_from_safetensors(type).value();
    std::ranges::stable_sort(draft.tensors, std::greater(),
                             [](const auto& line) { return info(line.dtype).block_bytes; });
    EXPECT_THAT(hf_refusal(draft),
                AllOf(HasSubstr(fmt::format(
                          "backbone.embeddings.weight has type {}, expected F32, F16, BF16, F8_E4M3 or", type)),
                      HasSubstr(fmt::format("backbone.norm_f.weight has type {}, expected F32, F16 or BF16", type))));
  }
}

TEST(Bind, AcceptsUnitAxesAndGroupedNorms) {
  Draft draft = test::gguf_draft(tiny());
  draft.tensor("blk.0.ssm_a").shape = {16};
  draft.tensor("blk.0.ssm_d").shape = {1, 16};
  draft.tensor("blk.0.ssm_norm.weight").shape = {256};
  draft.tensor("blk.0.ssm_conv1d.weight").shape = {512, 1, 4};
  const TempDir dir;
  const auto bound = bind(test::write_gguf(dir, draft));
  ASSERT_TRUE(bound) << bound.error().message();
  EXPECT_EQ((Shape{512, 4}), bound->find(Role::kConvWeight, 0)->view.shape);
  EXPECT_EQ((Shape{16}), bound->find(Role::kD, 0)->view.shape);
}

TEST(Bind, ListsAllDifferences) {
  Draft draft = test::gguf_draft(tiny());
  draft.remove("blk.3.attn_k.weight");
  draft.remove("output_norm.weight");
  draft.tensors.push_back({"blk.3.attn_q.bias", DType::kF32, {256}});
  draft.tensors.push_back({"blk.99.attn_norm.weight", DType::kF32, {160}});
  draft.tensor("blk.1.ffn_up.weight").shape = {160, 512};
  draft.tensor("blk.0.ssm_norm.weight").shape = {8, 32};
  draft.tensor("blk.0.attn_norm.weight").dtype = DType::kQ8_0;
  draft.tensor("blk.1.ffn_down.weight").dtype = DType::kI32;
  const std::string text = gguf_refusal(draft);
  EXPECT_THAT(text, HasSubstr("blk.3.attn_k.weight [64, 160] is missing"));
  EXPECT_THAT(text, HasSubstr("output_norm.weight [160] is missing"));
  EXPECT_THAT(text, HasSubstr("blk.3.attn_q.bias is not part of the model"));
  EXPECT_THAT(text, HasSubstr("blk.99.attn_norm.weight is not part of the model"));
  EXPECT_THAT(text, HasSubstr("blk.1.ffn_up.weight has shape [160, 512], expected [512, 160]"));
  EXPECT_THAT(text, HasSubstr("blk.0.ssm_norm.weight has shape [8, 32], expected [256]"));
  EXPECT_THAT(text, HasSubstr("blk.0.attn_norm.weight has type Q8_0, expected F32, F16 or BF16"));
  EXPECT_THAT(text,
              HasSubstr("blk.1.ffn_down.weight has type I32, expected F32, F16, BF16, F8_E4M3 or a quantised type"));
}

TEST(Bind, HuggingFaceDifferencesUseItsNames) {
  Draft draft = test::hf_draft(tiny());
  draft.remove("backbone.layers.0.mixer.A_log");
  draft.tensors.push_back({"model.layers.0.mixer.D", DType::kBF16, {16}});
  draft.tensors.push_back({"lm_head.weight_scale", DType::kF32, {1}});
  draft.tensor("backbone.layers.1.mixer.up_proj.weight").shape = {160, 512};
  EXPECT_THAT(hf_refusal(draft),
              AllOf(HasSubstr("backbone.layers.0.mixer.A_log [16] is missing"),
                    HasSubstr("backbone.layers.1.mixer.up_proj.weight has shape [160, 512], expected [512, 160]"),
                    HasSubstr("is there under both prefixes"),
                    HasSubstr("lm_head.weight_scale is there, but the matrix is BF16")));
}

TEST(Bind, TiedEmbeddingsNeedNoOutput) {
  Draft gguf = test::gguf_draft(tiny());
  gguf.remove("output.weight");
  const TempDir dir;
  const auto bound = bind(test::write_gguf(dir, gguf));
  ASSERT_TRUE(bound) << bound.error().message();
  EXPECT_TRUE(bound->config.tie_word_embeddings);
  EXPECT_EQ(nullptr, bound->find(Role::kOutput));

  Draft hf = test::hf_draft(tiny());
  hf.remove("lm_head.weight");
  EXPECT_THAT(hf_refusal(hf), HasSubstr("lm_head.weight [2048, 160] is missing"));
  hf.config["tie_word_embeddings"] = true;
  const TempDir other;
  EXPECT_TRUE(bind(test::write_hf(other, hf)));
}

TEST(Bind, SkipsAnOutputThatRepeatsTheTiedEmbedding) {
  Draft draft = test::hf_draft(tiny());
  draft.config["tie_word_embeddings"] = true;
  const TempDir dir;
  const auto bound = bind(test::write_hf(dir, draft));
  ASSERT_TRUE(bound) << bound.error().message();
  EXPECT_EQ(nullptr, bound->find(Role::kOutput));
  ASSERT_EQ(1u, bound->skipped.size());
  EXPECT_EQ("lm_head.weight", bound->skipped[0].name);

  const char* difference = "lm_head.weight differs from backbone.embeddings.weight, but tie_word_embeddings is true";
  std::string bytes = read_file(dir / "model.safetensors").value();
  bytes.back() = 1;  // the output is the last tensor
  ASSERT_TRUE(write_file(dir / "model.safetensors", bytes));
  EXPECT_THAT(refusal(bind(test::open_shared(dir.path()).value())), HasSubstr(difference));
  draft.tensor("lm_head.weight").dtype = DType::kF32;
  EXPECT_THAT(hf_refusal(draft), HasSubstr(difference));
  draft.tensor("lm_head.weight") = {"lm_head.weight", DType::kBF16, {2047, 160}};
  EXPECT_THAT(hf_refusal(draft), HasSubstr(difference));
  draft.tensor("backbone.embeddings.weight").shape = {1, 160};
  EXPECT_THAT(hf_refusal(draft), HasSubstr("backbone.embeddings.weight has shape [1, 160], expected [2048, 160]"));
}

TEST(Bind, ConfigErrorsComeFirst) {
  Draft draft = test::gguf_draft(tiny());
  draft.set(gguf_u32("nemotron_h.ssm.group_count", 5));
  EXPECT_THAT(gguf_refusal(draft),
              AllOf(HasSubstr("mamba_num_heads 16 is no multiple of n_groups 5"), HasSubstr("model.gguf")));
  Draft hf = test::hf_draft(tiny());
  hf.config["n_groups"] = 5;
  hf.config["num_key_value_heads"] = 3;
  EXPECT_THAT(hf_refusal(hf),
              AllOf(HasSubstr("mamba_num_heads 16 is no multiple of n_groups 5"),
                    HasSubstr("num_attention_heads 8 is no multiple of num_key_value_heads of layer 3: 3")));
}

BoundTensor bound_floats(Role role, const std::vector<float>& values, bool is_a_log) {
  BoundTensor tensor;
  tensor.spec = {role, 0, {static_cast<int64_t>(values.size())}, "blk.0.ssm_a", "backbone.layers.0.mixer.A_log"};
  tensor.view = {DType::kF32, tensor.spec.shape, reinterpret_cast<const std::byte*>(values.data())};
  tensor.is_a_log = is_a_log;
  tensor.name = is_a_log ? tensor.spec.hf_name : tensor.spec.gguf_name;
  return tensor;
}

TEST(ToF32, TurnsALogIntoA) {
  const std::vector<float> stored = {0.0f, std::log(2.0f)};
  EXPECT_THAT(to_f32(bound_floats(Role::kA, stored, true)).value(),
              ::testing::ElementsAre(-1.0f, ::testing::FloatEq(-2.0f)));
  EXPECT_EQ(stored, to_f32(bound_floats(Role::kA, stored, false)).value());
}

TEST(ToF32, NamesTensorAndElementThatAreNotFinite) {
  const std::vector<float> nan = {1.0f, std::numeric_limits<float>::quiet_NaN()};
  const auto first = to_f32(bound_floats(Role::kA, nan, false));
  ASSERT_FALSE(first);
  EXPECT_THAT(first.error().message(), AllOf(HasSubstr("blk.0.ssm_a"), HasSubstr("element 1 is nan")));
  const std::vector<float> overflows = {100.0f};  // exp(100) is no float
  const auto second = to_f32(bound_floats(Role::kA, overflows, true));
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), AllOf(HasSubstr("A_log"), HasSubstr("-inf")));
}

}  // namespace
}  // namespace adder
