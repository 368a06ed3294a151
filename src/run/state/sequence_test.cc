#include "run/state/sequence.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/arch/budget.h"
#include "core/base/testing/sanitizer.h"
#include "run/state/small_config_for_test.h"

#if ADDER_ASAN
extern "C" const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}
#elif ADDER_TSAN
extern "C" const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}
#endif

namespace adder {
namespace {

/// Of one kept in F32.
float& first_of_state(MambaState& mamba) {
  return *reinterpret_cast<float*>(mamba.chunk().state);
}

/// As the forward pass does it, with a mark of (text, position) where numbers would be.
void feed(Sequence& sequence, float text, int64_t n) {
  ASSERT_TRUE(sequence.reserve(n).has_value());
  for (int64_t layer = 0; layer < 2; ++layer) {
    for (int64_t t = sequence.position(); t < sequence.position() + n; ++t) {
      MambaState& mamba = sequence.mamba(layer);
      *mamba.pre_conv(t % kChunk) = text + static_cast<float>(t);
      *mamba.dt(t % kChunk) = text + static_cast<float>(t);
      std::memcpy(sequence.kv(layer).value(t, 1), &t, sizeof t);
      if (t % kChunk == kChunk - 1) {
        first_of_state(mamba) += text;
        mamba.finish_chunk();
      }
    }
  }
  sequence.advance(n);
}

int64_t value_at(Sequence& sequence, int64_t t) {
  int64_t value = -1;
  std::memcpy(&value, sequence.kv(1).value(t, 1), sizeof value);
  return value;
}

TEST(Sequence, HoldsWhatTheBudgetSays) {
  const ModelConfig config = small_config("M-*M*");
  for (const auto& [kv_type, state_type] : {std::pair{DType::kF32, DType::kF32},
                                            {DType::kF16, DType::kBF16},
                                            {DType::kBF16, DType::kF16},
                                            {DType::kF8E4M3, DType::kF32}}) {
    Sequence sequence(config, kv_type, state_type);
    EXPECT_EQ(sequence.bytes().total(), 0);
    feed(sequence, 0, kChunk + 1);
    const StateBytes budget = state_bytes(config, kv_type, state_type);
    EXPECT_EQ(sequence.bytes().conv, budget.conv);
    EXPECT_EQ(sequence.bytes().ssm, budget.ssm);
    EXPECT_EQ(sequence.bytes().kv, 2 * kKeyBlock * budget.kv_per_token);
    EXPECT_EQ(budget.ssm, 2 * 48 * 16 * (state_type == DType::kF32 ? 4 : 2));  // two layers, 6 heads of 8
    // Two Mamba layers, 64 rows of conv_dim = 48 + 2*2*16 = 112 before and after convolution, dt and cs of 6 heads.
    EXPECT_EQ(sequence.bytes().log, 2 * 64 * (112 + 112 + 6 + 6) * 4);
  }
}

TEST(Sequence, KnowsBeforehandWhatItWillHold) {
  for (const DType kv_type : {DType::kF32, DType::kF16}) {
    Sequence sequence(small_config("M-*M*"), kv_type);
    const Sequence fresh(small_config("M-*M*"), kv_type);
    for (const int64_t n : {1, 63, 1, 70, 200}) {
      feed(sequence, 0, n);
      const Sequence::Bytes planned = fresh.bytes_at(sequence.position()), held = sequence.bytes();
      EXPECT_EQ(planned.conv, held.conv) << sequence.position();
      EXPECT_EQ(planned.ssm, held.ssm) << sequence.position();
      EXPECT_EQ(planned.log, held.log) << sequence.position();
      EXPECT_EQ(planned.kv, held.kv) << sequence.position();
    }
  }
}

TEST(Sequence, PagesAreLaidOutHeadByHead) {
  KvPages pages(2, 16, DType::kF16);
  ASSERT_TRUE(pages.reserve(60, 10));
  EXPECT_EQ(pages.n_pages(), 2);
  EXPECT_EQ(pages.key(65, 0) - pages.key_page(1), 1 * 2);
  EXPECT_EQ(pages.key(65, 1) - pages.key_page(1), (16 * kKeyBlock + 1) * 2);
  EXPECT_EQ(pages.value(65, 1) - pages.value_page(1), (kKeyBlock + 1) * 16 * 2);
  EXPECT_EQ(pages.bytes(), 2 * 2 * (2 * kKeyBlock * 16 * 2));
  pages.cut(64);
  EXPECT_EQ(pages.n_pages(), 1);
}

TEST(Sequence, CutsInsideTheChunkOrToTheBeginning) {
  Sequence sequence(small_config("M-*M*"), DType::kF32);
  feed(sequence, 0, kChunk + 10);
  EXPECT_EQ(sequence.cut_floor(), kChunk);
  EXPECT_EQ(sequence.cut(kChunk + 11).error().code(), ErrorCode::kUsage);
  EXPECT_EQ(sequence.cut(-1).error().code(), ErrorCode::kUsage);
  EXPECT_EQ(sequence.cut(kChunk - 1).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(sequence.position(), kChunk + 10);

  ASSERT_TRUE(sequence.cut(kChunk + 3).has_value());
  EXPECT_EQ(sequence.position(), kChunk + 3);
  EXPECT_EQ(*sequence.mamba(0).pre_conv(2), static_cast<float>(kChunk + 2));
  ASSERT_TRUE(sequence.cut(kChunk).has_value());
  EXPECT_EQ(sequence.kv(0).n_pages(), 1);

  EXPECT_FALSE(sequence.mamba(1).chunk().from_zero);

  ASSERT_TRUE(sequence.cut(0).has_value());
  EXPECT_EQ(sequence.bytes().total(), 0);
  feed(sequence, 0, 1);
  EXPECT_EQ(*sequence.mamba(1).pre_conv(-1), 0.0f);
  EXPECT_TRUE(sequence.mamba(1).chunk().from_zero);
  EXPECT_EQ(sequence.bytes().ssm, 0);
}

TEST(Sequence, TheWindowOutlivesTheChunk) {
  Sequence sequence(small_config("M-*M*"), DType::kF32);
  feed(sequence, 0, 2 * kChunk);
  for (int64_t back = 1; back <= 3; ++back)
    EXPECT_EQ(*sequence.mamba(0).pre_conv(-back), static_cast<float>(2 * kChunk - back));
}

TEST(Sequence, ForksGoSeparateWays) {
  Sequence a(small_config("M-*M*"), DType::kF32);
  feed(a, 100, kChunk + 5);
  Sequence b = a.fork().value();
  EXPECT_EQ(b.position(), a.position());
  feed(b, 2000, kChunk);  // over the next chunk's end
  feed(a, 100, 1);
  EXPECT_EQ(*a.mamba(0).dt(4), 100.0f + kChunk + 4);
  EXPECT_EQ(*a.mamba(0).dt(5), 100.0f + kChunk + 5);
  EXPECT_EQ(first_of_state(a.mamba(0)), 100.0f);
  EXPECT_EQ(first_of_state(b.mamba(0)), 2100.0f);
  EXPECT_EQ(*b.mamba(0).pre_conv(-1), 2000.0f + 2 * kChunk - 1);
  EXPECT_EQ(a.kv(0).key_page(0), b.kv(0).key_page(0));
  EXPECT_NE(a.kv(0).key_page(1), b.kv(0).key_page(1));
  EXPECT_EQ(value_at(b, kChunk + 4), kChunk + 4);
}

TEST(Sequence, SnapshotsComeBackExactly) {
  Sequence sequence(small_config("M-*M*"), DType::kF32);
  feed(sequence, 100, kChunk + 5);
  const auto snapshot = sequence.snapshot().value();
  EXPECT_EQ(snapshot->position(), kChunk + 5);
  feed(sequence, 2000, 2 * kChunk);
  ASSERT_TRUE(sequence.cut(0).has_value());

  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(sequence.restore(snapshot));
    EXPECT_EQ(sequence.position(), kChunk + 5);
    feed(sequence, 100, 1);
    EXPECT_EQ(first_of_state(sequence.mamba(0)), 100.0f);
    for (int64_t t = 0; t < 6; ++t) EXPECT_EQ(*sequence.mamba(1).dt(t), 100.0f + static_cast<float>(kChunk + t));
    EXPECT_EQ(*sequence.mamba(1).pre_conv(-3), 100.0f + kChunk - 3);
    feed(sequence, 3000, kChunk);
  }
}

TEST(Sequence, SnapshotsHoldOnlyTheLogSoFar) {
  Sequence sequence(small_config("M-*M*"), DType::kF32);
  feed(sequence, 0, kChunk);
  EXPECT_EQ(sequence.snapshot().value()->bytes().log, 0);
  EXPECT_EQ(sequence.snapshot().value()->bytes().conv, sequence.bytes().conv);
  feed(sequence, 0, 5);
  EXPECT_EQ(sequence.snapshot().value()->bytes().log, 2 * 5 * (112 + 112 + 6 + 6) * 4);
  EXPECT_EQ(sequence.snapshot().value()->bytes().ssm, sequence.bytes().ssm);
}

TEST(Sequence, WithoutMemoryNothingChanges) {
  ModelConfig config = small_config("M-*M*");
  config.mamba_head_dim = int64_t{1} << 40;
  Sequence sequence(config, DType::kF32);
  EXPECT_EQ(sequence.reserve(1).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(sequence.position(), 0);
  EXPECT_EQ(sequence.bytes().kv, 0);
}

TEST(Sequence, KnowsItsModel) {
  ModelConfig other = small_config("M-*M*");
  const Sequence sequence(small_config("M-*M*"), DType::kF32);
  other.vocab_size = 51;
  EXPECT_TRUE(sequence.fits(other));
  other.layers[2].num_key_value_heads = 4;
  EXPECT_FALSE(sequence.fits(other));
}

}  // namespace
}  // namespace adder
