#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <ostream>

#include "core/base/rng.h"
#include "run/model/forward.h"
#include "tests/parity/random_model.h"

// The promise of docs/numerics.md: the logits of a token depend on the tokens before it and on nothing else, to the
// bit.

namespace adder {
namespace {

constexpr int64_t kLength = 3 * kChunk + 9;

struct Case {
  std::string name;
  const Ops* ops;
  TypeRule types;
  DType kv_type, state_type;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

/// Wider than two tiles of any kernel in every dimension, rows of matrices not multiples of 32, heads shared and not.
constexpr ModelSketch kSketch{.pattern = "M-*M",
                              .vocab = 301,
                              .hidden = 96,
                              .ffn = 512,
                              .heads = 6,
                              .kv_heads = 3,
                              .head_dim = 40,
                              .mamba_heads = 8,
                              .mamba_head_dim = 64,
                              .state = 40,
                              .groups = 4,
                              .conv = 4};

std::vector<Case> cases() {
  struct Weights {
    std::string_view name;
    TypeRule types;
    DType kv_type, state_type = DType::kF32;
  };
  std::vector<Case> cases;
  for (const Ops* ops : supported_ops()) {
    for (const Weights& w :
         {Weights{"f32", all(DType::kF32), DType::kF32}, Weights{"fp8", all(DType::kF8E4M3), DType::kF16},
          Weights{"q8_0", mix(DType::kQ8_0), DType::kF16}, Weights{"q4_k", mix(DType::kQ4_K), DType::kF16},
          Weights{"q6_k", mix(DType::kQ6_K), DType::kBF16},
          Weights{"kv_fp8", mix(DType::kQ8_0), DType::kF8E4M3, DType::kF16},
          Weights{"state_bf16", all(DType::kBF16), DType::kF32, DType::kBF16}})
      if (ops->name != "scalar" || w.name == "q4_k")  // the slow table stands for itself in one mix
        cases.push_back({std::string(ops->name) + "_" + std::string(w.name), ops, w.types, w.kv_type, w.state_type});
  }
  return cases;
}

/// A model, two texts, and the logits of each read alone, in one call, by one thread.
struct Reference {
  std::shared_ptr<const Model> model;
  std::array<std::vector<TokenId>, 2> texts;
  std::array<std::vector<float>, 2> logits;
};

/// Made once for all tests of a case.
const Reference& reference(const Case& c) {
  static std::map<std::string, Reference> made;
  Reference& r = made[c.name];
  if (r.model) return r;
  r.model = RandomModel(kSketch, c.types).model(c.ops);
  ThreadPool pool(1);
  Forward forward(r.model, pool);
  for (size_t text = 0; text < 2; ++text) {
    r.texts[text] = random_tokens(kLength, kSketch.vocab, 100 + text);
    Sequence sequence(r.model->config(), c.kv_type, c.state_type);
    const Segment segment{&sequence, r.texts[text], Want::kAll};
    const auto logits = forward.run({&segment, 1}).value();
    r.logits[text].assign(logits.begin(), logits.end());
  }
  return r;
}

class Invariance : public testing::TestWithParam<Case> {
 protected:
  Invariance() {
    for (int threads = 1; threads <= 4; ++threads) {
      pools_.push_back(std::make_unique<ThreadPool>(threads));
      forwards_.push_back(std::make_unique<Forward>(reference_.model, *pools_.back()));
    }
  }

  Sequence fresh() const { return Sequence(reference_.model->config(), GetParam().kv_type, GetParam().state_type); }
  std::span<const TokenId> tokens(size_t text, int64_t from, int64_t n) const {
    return std::span(reference_.texts[text]).subspan(static_cast<size_t>(from), static_cast<size_t>(n));
  }
  bool same(std::span<const float> logits, size_t text, int64_t from) const {
    const float* const want = reference_.logits[text].data() + from * kSketch.vocab;
    return std::memcmp(logits.data(), want, logits.size_bytes()) == 0;
  }
  /// Feeds [sequence.position(), to) of a text in one call and compares every logit.
  void feed(Forward& forward, Sequence& sequence, size_t text, int64_t to) {
    const int64_t from = sequence.position();
    const Segment segment{&sequence, tokens(text, from, to - from), Want::kAll};
    EXPECT_TRUE(same(forward.run({&segment, 1}).value(), text, from)) << "positions " << from << " to " << to;
  }
  int64_t below(int64_t n) { return static_cast<int64_t>(rng_.below(static_cast<uint64_t>(n))); }
  Forward& any_forward() { return *forwards_[static_cast<size_t>(below(4))]; }

  const Reference& reference_ = reference(GetParam());
  Rng rng_{2026};
  std::vector<std::unique_ptr<ThreadPool>> pools_;
  std::vector<std::unique_ptr<Forward>> forwards_;
};

TEST_P(Invariance, ReferenceIsNotTrivial) {
  double sum = 0, squares = 0;
  for (const float x : reference_.logits[0]) {
    sum += static_cast<double>(x);
    squares += static_cast<double>(x) * static_cast<double>(x);
  }
  EXPECT_TRUE(std::isfinite(sum));
  EXPECT_GT(squares / static_cast<double>(reference_.logits[0].size()), 1.0);
  EXPECT_NE(0, std::memcmp(reference_.logits[0].data(), reference_.logits[1].data(),
                           reference_.logits[0].size() * sizeof(float)));
}

TEST_P(Invariance, SplitsAroundTheChunk) {
  for (const int64_t at : {kChunk - 1, kChunk, kChunk + 1, 2 * kChunk}) {
    Sequence sequence = fresh();
    for (const int64_t to : {at, kLength}) feed(any_forward(), sequence, 0, to);
  }
}

TEST_P(Invariance, TokenByToken) {
  Sequence sequence = fresh();
  for (int64_t i = 0; i < kLength; ++i) feed(*forwards_[static_cast<size_t>(i % 3)], sequence, 0, i + 1);
}

TEST_P(Invariance, OnlyTheLogitsAskedFor) {
  Sequence a = fresh(), b = fresh(), c = fresh();
  const std::array<Segment, 3> batch = {Segment{&a, tokens(0, 0, 70), Want::kLast},
                                        Segment{&b, tokens(1, 0, 80), Want::kNothing},
                                        Segment{&c, tokens(1, 0, 65), Want::kLast}};
  const auto logits = forwards_[1]->run(batch).value();
  ASSERT_EQ(logits.size(), static_cast<size_t>(2 * kSketch.vocab));
  EXPECT_TRUE(same(logits.first(logits.size() / 2), 0, 69));
  EXPECT_TRUE(same(logits.last(logits.size() / 2), 1, 64));
}

TEST_P(Invariance, CutAndReplay) {
  Sequence sequence = fresh();
  for (const int64_t to : {int64_t{5}, kChunk - 3, kChunk + 20, 2 * kChunk + 1, 3 * kChunk + 2}) {
    feed(any_forward(), sequence, 0, to);
    // As much of the other text as the chunk has room for without being filled, then back.
    const int64_t room = kChunk - 1 - to % kChunk;
    const Segment wrong{&sequence, tokens(1, 0, room), Want::kNothing};
    if (room > 0) {
      ASSERT_TRUE(any_forward().run({&wrong, 1}).has_value());
    }
    const int64_t back = sequence.cut_floor() + below(to - sequence.cut_floor());
    ASSERT_TRUE(sequence.cut(back).has_value());
    feed(any_forward(), sequence, 0, to);
  }
  ASSERT_TRUE(sequence.cut(0).has_value());
  feed(any_forward(), sequence, 1, kChunk + 1);
}

/// Forks of one past, each going its own way and decoded together a token at a time, over a chunk's end.
TEST_P(Invariance, ForksDivergeTogether) {
  constexpr int64_t kPast = kChunk - 4, kFuture = 8;
  Sequence past = fresh();
  feed(any_forward(), past, 0, kPast);

  std::vector<Sequence> forks;
  std::vector<std::vector<TokenId>> whole;
  std::vector<std::vector<float>> alone;
  for (uint64_t i = 0; i < 3; ++i) {
    forks.push_back(past.fork().value());
    whole.push_back(random_tokens(kPast + kFuture, kSketch.vocab, 200 + i));
    std::copy_n(reference_.texts[0].begin(), kPast, whole[i].begin());
    Sequence sequence = fresh();
    const Segment segment{&sequence, whole[i], Want::kAll};
    const auto logits = forwards_[0]->run({&segment, 1}).value();
    alone.emplace_back(logits.begin(), logits.end());
  }
  for (int64_t t = kPast; t < kPast + kFuture; ++t) {
    std::vector<Segment> batch;
    for (size_t i = 0; i < forks.size(); ++i)
      batch.push_back({&forks[i], std::span(whole[i]).subspan(static_cast<size_t>(t), 1)});
    const auto logits = any_forward().run(batch).value();
    for (size_t i = 0; i < forks.size(); ++i)
      ASSERT_EQ(0, std::memcmp(logits.data() + static_cast<int64_t>(i) * kSketch.vocab,
                               alone[i].data() + t * kSketch.vocab, sizeof(float) * kSketch.vocab))
          << "fork " << i << " position " << t;
  }
  feed(any_forward(), past, 0, kChunk + 1);  // the past itself has not noticed
}

/// Everything at once: sequences that are forked, cut, saved and restored at random, advanced in random company by
/// random amounts on random teams of threads; whatever happens, each must say what its text says alone.
TEST_P(Invariance, AnyHistory) {
  struct Reader {
    Sequence sequence;
    size_t text;
  };
  struct Saved {
    std::shared_ptr<const Sequence::Snapshot> snapshot;
    size_t text;
  };
  std::vector<Reader> readers;
  for (size_t i = 0; i < 4; ++i) readers.push_back({fresh(), i % 2});
  std::vector<Saved> saved;
  std::map<std::string_view, int> happened;

  const int n_rounds = GetParam().ops->name == "scalar" ? 10 : 60;
  for (int round = 0; round < n_rounds; ++round) {
    std::vector<Segment> batch;
    std::vector<size_t> texts;
    std::vector<int64_t> starts;
    for (Reader& reader : readers) {
      const int64_t from = reader.sequence.position();
      const std::array<int64_t, 6> lengths = {1, 1, 2, 1 + below(20), kChunk - from % kChunk, 1 + below(2 * kChunk)};
      const int64_t n = std::min(lengths[static_cast<size_t>(below(6))], kLength - from);
      if (n <= 0 || below(4) == 0) continue;
      batch.push_back({&reader.sequence, tokens(reader.text, from, n), Want::kAll});
      texts.push_back(reader.text);
      starts.push_back(from);
    }
    auto logits = any_forward().run(batch).value();
    for (size_t i = 0; i < batch.size(); ++i) {
      const size_t n = batch[i].tokens.size() * static_cast<size_t>(kSketch.vocab);
      ASSERT_TRUE(same(logits.first(n), texts[i], starts[i])) << "round " << round << " from " << starts[i];
      logits = logits.subspan(n);
    }

    Reader& one = readers[static_cast<size_t>(below(4))];
    Reader& other = readers[static_cast<size_t>(below(4))];
    const int64_t floor = one.sequence.cut_floor();
    switch (below(5)) {
      case 0:
        if (&one == &other) break;
        one = {other.sequence.fork().value(), other.text};
        ++happened["fork"];
        break;
      case 1:
        saved.push_back({one.sequence.snapshot().value(), one.text});
        ++happened["snapshot"];
        break;
      case 2:
        if (saved.empty()) break;
        one.text = saved[static_cast<size_t>(below(static_cast<int64_t>(saved.size())))].text;
        for (const Saved& s : saved) {
          if (s.text != one.text) continue;
          ASSERT_TRUE(one.sequence.restore(s.snapshot));  // the latest of that text
        }
        ++happened["restore"];
        break;
      case 3:
        ASSERT_TRUE(one.sequence.cut(floor + below(one.sequence.position() - floor + 1)).has_value());
        ++happened["cut"];
        break;
      case 4:
        if (one.sequence.position() < kLength) break;
        ASSERT_TRUE(one.sequence.cut(0).has_value());
        one.text = 1 - one.text;
        ++happened["restart"];
        break;
    }
  }
  if (n_rounds > 50) {
    EXPECT_EQ(happened.size(), 5u);
  }
}

INSTANTIATE_TEST_SUITE_P(Tables, Invariance, testing::ValuesIn(cases()),
                         [](const auto& the) { return the.param.name; });

/// The table of an ISA changes the speed and nothing else.
TEST(Isa, EveryTableGivesTheSameBits) {
  const RandomModel random(kSketch, mix(DType::kQ4_K));
  const std::vector<TokenId> text = random_tokens(kChunk + 6, kSketch.vocab, 5);
  std::vector<float> first;
  for (const Ops* ops : supported_ops()) {
    ThreadPool pool(1);
    Forward forward(random.model(ops), pool);
    Sequence sequence(random.bound().config, DType::kF16);
    const Segment segment{&sequence, text, Want::kAll};
    const auto logits = forward.run({&segment, 1}).value();
    if (first.empty()) first.assign(logits.begin(), logits.end());
    EXPECT_EQ(0, std::memcmp(first.data(), logits.data(), logits.size_bytes())) << ops->name;
  }
}

}  // namespace
}  // namespace adder
