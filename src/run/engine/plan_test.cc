#include "run/engine/plan.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/arch/model_files_for_test.h"
#include "core/arch/presets.h"
#include "core/base/memory.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/sanitizer.h"
#include "run/engine/chain_model_for_test.h"

namespace adder {
namespace {

using testing::expect_error;
using testing::TempDir;

BoundModel zeros(const TempDir& dir, const ModelConfig& config) {
  return bind(test::write_gguf(dir, test::gguf_draft(config))).value();
}

TEST(Plan, IsWhatSequencesHoldAtTheEndOfTheContext) {
  const TempDir dir;
  const BoundModel bound = zeros(dir, tiny());
  ThreadPool pool(1);
  for (const auto& [kv_type, state_type] :
       {std::pair{DType::kF32, DType::kF32}, {DType::kBF16, DType::kF16}, {DType::kF8E4M3, DType::kBF16}}) {
    const EngineOptions options{
        .threads = 1, .kv_type = kv_type, .state_type = state_type, .context = 150, .sequences = 2};
    const MemoryPlan plan = plan_memory(bound, options).value();

    Forward forward(Model::from_bound(bound, pool).value(), pool);
    const std::vector<TokenId> tokens(static_cast<size_t>(options.context), 1);
    Sequence::Bytes held;
    for (int64_t i = 0; i < options.sequences; ++i) {
      Sequence sequence(bound.config, kv_type, state_type);
      const Segment segment{&sequence, tokens};
      ASSERT_TRUE(forward.run({&segment, 1}));
      held.conv += sequence.bytes().conv;
      held.ssm += sequence.bytes().ssm;
      held.log += sequence.bytes().log;
      held.kv += sequence.bytes().kv;
    }
    EXPECT_EQ(plan.kv, held.kv);
    EXPECT_EQ(plan.recurrent, held.ssm + held.conv);
    EXPECT_EQ(plan.log, held.log);
  }
}

TEST(Plan, CountsByHand) {
  ModelConfig config;
  config.layers = parse_pattern("M*-", 96, 2).value();
  config.vocab_size = 50;
  config.hidden_size = 32;
  config.num_attention_heads = 4;
  config.head_dim = 16;
  config.mamba_num_heads = 6;
  config.mamba_head_dim = 8;
  config.ssm_state_size = 16;
  config.n_groups = 2;
  config.conv_kernel = 4;
  const TempDir dir;
  const BoundModel bound = zeros(dir, config);
  const EngineOptions options{.threads = 1, .context = 100, .prefill_tokens = 10, .sequences = 3};
  const MemoryPlan plan = plan_memory(bound, options).value();
  // The file, and once more, for they are copied, less than a piece of 16 MiB: in and out of the Mamba layer, q and o,
  // k and v, up and down, output. F32.
  const int64_t matrices = 166 * 32 + 32 * 48 + 2 * 64 * 32 + 2 * 32 * 32 + 2 * 96 * 32 + 50 * 32;
  EXPECT_EQ(plan.weights, static_cast<int64_t>(std::filesystem::file_size(dir / "model.gguf")) + 4 * matrices);
  EXPECT_EQ(plan.kv, 3 * 2 * (2 * 64) * (2 * 16) * 2);        // K and V, two pages, two heads of 16, F16
  EXPECT_EQ(plan.recurrent, 3 * (6 * 8 * 16 + 3 * 112) * 4);  // conv_dim = 6*8 + 2*2*16 = 112
  EXPECT_EQ(plan.log, 3 * 64 * (112 + 112 + 6 + 6) * 4);
  // Four norms of 32; conv 112 x 4 and its bias; dt bias, A and D of 6; gated norm of 48.
  EXPECT_EQ(plan.vectors, (4 * 32 + 112 * 5 + 3 * 6 + 48) * 4);
  // 10 tokens: three streams of 32, in_proj of 48 + 112 + 6 = 166, q of 64; 96 / 32 blocks of 44; 16 rows of logits
  // (drafts).
  EXPECT_EQ(plan.activations, 10 * ((3 * 32 + 166 + 64) * 4 + 3 * 44) + 16 * 50 * 4);
}

TEST(Plan, ManySequencesStayResidentWithinIt) {
  const TempDir dir;
  ModelConfig config = tiny();
  const BoundModel bound = zeros(dir, config);
  const EngineOptions options{.threads = 1, .kv_type = DType::kF32, .context = 1, .sequences = 512};
  const MemoryPlan plan = plan_memory(bound, options).value();
  const int64_t planned = plan.kv + plan.recurrent + plan.log;

  ThreadPool pool(1);
  Forward forward(Model::from_bound(bound, pool).value(), pool);
  std::vector<Sequence> sequences;
  for (int64_t i = 0; i < options.sequences; ++i) sequences.emplace_back(config, options.kv_type);
  const TokenId token = 1;
  std::vector<Segment> batch;
  for (Sequence& sequence : sequences) batch.push_back({&sequence, {&token, 1}});
  [[maybe_unused]] const int64_t before = resident_bytes();
  ASSERT_TRUE(forward.run(batch));
  int64_t held = 0;
  for (const Sequence& sequence : sequences) held += sequence.bytes().total();
  EXPECT_EQ(held, planned);
#if !ADDER_ASAN && !ADDER_TSAN  // they keep memory of their own
  EXPECT_LE(resident_bytes() - before, planned + plan.activations + plan.weights + plan.vectors + (8 << 20));
#endif
}

TEST(Plan, TooMuchForTheMemoryGivenIsRefusedBeforeLoading) {
  const TempDir dir;
  ASSERT_TRUE(write_chain_model(dir / "chain.gguf", {}, tiny_vocabulary()));
  EngineOptions options;
  options.threads = 1;
  options.memory = 1'000'000;
  expect_error(Engine::open(dir / "chain.gguf", options), ErrorCode::kTooLarge, "chain.gguf", "1000.0 kB of memory",
               "1 sequence of 4096 tokens", "weights");
  const auto file = test::open_shared(dir / "chain.gguf").value();
  options.memory = plan_memory(bind(file).value(), options).value().total();
  EXPECT_TRUE(Engine::open(dir / "chain.gguf", options));
  --options.memory;
  EXPECT_FALSE(Engine::open(dir / "chain.gguf", options));
}

TEST(Plan, NumbersThatCannotBeCountedAreRefused) {
  const TempDir dir;
  const BoundModel bound = zeros(dir, tiny());
  EngineOptions options;
  options.sequences = 1 << 16;
  options.context = int64_t{1} << 40;
  expect_error(plan_memory(bound, options), ErrorCode::kTooLarge, "65536 sequences");
  options.context = std::numeric_limits<int64_t>::max();
  expect_error(plan_memory(bound, options), ErrorCode::kUsage, "context");
  options = {};
  options.sequences = 0;
  expect_error(plan_memory(bound, options), ErrorCode::kUsage, "sequences");
  options = {};
  options.memory = -1;
  expect_error(plan_memory(bound, options), ErrorCode::kUsage, "memory");
}

}  // namespace
}  // namespace adder
