#include "run/kernels/ops.h"

#include <gtest/gtest.h>

#include "core/quant/codec.h"
#include "run/kernels/ops_cases.h"

/// Every table against the scalar one, bit for bit, and every split of the work against the whole.
namespace adder {
namespace {

using Run = std::function<void(const Ops&, float* out, int64_t begin, int64_t end)>;

std::vector<float> run_guarded(const Run& run, const Ops& ops, int64_t n_out, const std::vector<int64_t>& cuts) {
  Guarded out(n_out);
  for (size_t i = 0; i + 1 < cuts.size(); ++i) run(ops, out.data(), cuts[i], cuts[i + 1]);
  EXPECT_TRUE(out.intact()) << ops.name << " wrote outside its output";
  return out.values();
}

void expect_same_bits(const std::vector<float>& want, const std::vector<float>& got, const std::string& what) {
  ASSERT_EQ(want.size(), got.size());
  if (std::memcmp(want.data(), got.data(), want.size() * sizeof(float)) == 0) return;
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(want[i]), std::bit_cast<uint32_t>(got[i]))
        << what << ": output " << i << " of " << want.size() << ", " << want[i] << " against " << got[i];
  }
}

/// `n_items` is the range the caller may split, `n_out` the floats all of it writes.
void expect_all_alike(const std::string& what, int64_t n_items, int64_t n_out, const Run& run) {
  Rng rng(n_items, n_out);
  const int64_t a = static_cast<int64_t>(rng.below(static_cast<uint64_t>(n_items) + 1));
  const int64_t b = a + static_cast<int64_t>(rng.below(static_cast<uint64_t>(n_items - a) + 1));
  const std::vector<float> want = run_guarded(run, *supported_ops().front(), n_out, {0, n_items});
  for (const float x : want) ASSERT_EQ(x, x) << what << ": the case makes a NaN, its bits are not promised";
  for (const Ops* ops : supported_ops()) {
    const std::string where = fmt::format("{} {}", ops->name, what);
    expect_same_bits(want, run_guarded(run, *ops, n_out, {0, n_items}), where);
    expect_same_bits(want, run_guarded(run, *ops, n_out, {0, a, b, n_items}),
                     fmt::format("{} cut at {} and {}", where, a, b));
  }
}

void check_linear(Rng& rng, DType dtype, int64_t rows, int64_t cols, int64_t tokens, Draw draw) {
  const LinearCase c(rng, dtype, rows, cols, tokens, draw);
  expect_all_alike(fmt::format("{} [{}, {}] x {}", name(dtype), rows, cols, tokens), rows, c.outputs(),
                   [&](const Ops& ops, float* y, int64_t begin, int64_t end) { ops.linear(c.args(y), begin, end); });
}

TEST(Ops, LinearOfEveryType) {
  Rng rng(1);
  for (const DType dtype : weight_dtypes()) {
    const int64_t block = info(dtype).block_size;
    for (const int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 8, 9}) {
      const int64_t cols = block == 1 ? 16 * tokens - 5 : block * (1 + tokens % 3);
      check_linear(rng, dtype, 1 + 7 * tokens, cols, tokens, tokens % 2 ? Draw::kExtreme : Draw::kNormal);
    }
  }
}

TEST(Ops, LinearOfEveryRowCount) {
  Rng rng(2);
  for (int64_t rows = 1; rows <= 70; ++rows) {
    check_linear(rng, DType::kQ8_0, rows, 32 * (1 + rows % 4), 1, Draw::kNormal);
    check_linear(rng, DType::kF32, rows, rows, 5, Draw::kExtreme);
  }
}

TEST(Ops, LinearOverSeveralPanels) {  // more than 24 rows, 512 columns and 96 tokens
  Rng rng(3);
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF8E4M3, DType::kQ8_0})
    check_linear(rng, dtype, 50, 1056, 200, Draw::kNormal);
  for (const DType dtype : {DType::kQ4_K, DType::kQ6_K}) check_linear(rng, dtype, 49, 1280, 99, Draw::kNormal);
  check_linear(rng, DType::kF16, 25, 1041, 97, Draw::kNormal);
}

TEST(Ops, LinearTakesEveryCodeOfFp8AsItsNumber) {
  std::vector<std::byte> codes;
  for (int code = 0; code < 256; ++code)
    if ((code & 0x7f) != 0x7f) codes.push_back(static_cast<std::byte>(code));
  const auto n = static_cast<int64_t>(codes.size());
  std::vector<float> numbers(codes.size());
  decode(DType::kF8E4M3, codes.data(), numbers);
  for (float& x : numbers) x += 0.0f;  // a sum begins with +0
  for (const Ops* ops : supported_ops()) {
    for (const int64_t tokens : {1, 3, 9}) {
      const std::vector<float> x(static_cast<size_t>(tokens), 1.0f);
      std::vector<float> y(codes.size() * x.size());
      ops->linear({{DType::kF8E4M3, {n, 1}, codes.data()}, x.data(), y.data(), tokens}, 0, n);
      for (int64_t t = 0; t < tokens; ++t)
        expect_same_bits(numbers, {y.begin() + t * n, y.begin() + (t + 1) * n},
                         fmt::format("{} x {}", ops->name, tokens));
    }
  }
}

/// A shorter way takes rows and activations up to a size; one token of several is enough to leave it.
TEST(Ops, LinearOfFp8WhereRowsAreLongOrActivationsLarge) {
  Rng rng(19);
  check_linear(rng, DType::kF8E4M3, 3, 40000, 3, Draw::kNormal);
  check_linear(rng, DType::kF8E4M3, 2, 66000, 1, Draw::kNormal);
  for (const int64_t tokens : {1, 2, 7}) {
    for (const float large : {65535.0f, 65536.0f, -1e30f}) {
      LinearCase c(rng, DType::kF8E4M3, 9, 77, tokens);
      c.x[c.x.size() - 1] = large;
      c.x[0] = 0x1p-149f;
      expect_all_alike(fmt::format("{} among {} tokens", large, tokens), 9, c.outputs(),
                       [&](const Ops& ops, float* y, int64_t b, int64_t e) { ops.linear(c.args(y), b, e); });
    }
  }
}

void check_linear_q8(Rng& rng, DType dtype, int64_t rows, int64_t cols, int64_t tokens, Draw draw, int64_t parts = 1) {
  const LinearQ8Case c(rng, dtype, rows, cols, tokens, draw, parts);
  expect_all_alike(fmt::format("{} [{}, {}] x {} x {}", name(dtype), rows, cols, tokens, parts), rows, c.outputs(),
                   [&](const Ops& ops, float* y, int64_t begin, int64_t end) { ops.linear_q8(c.args(y), begin, end); });
}

TEST(Ops, LinearQ8OfEveryType) {
  Rng rng(14);
  EXPECT_EQ(q8_dtypes().size(), 9u);
  for (const DType dtype : q8_dtypes()) {
    const int64_t block = info(dtype).block_size;
    for (const int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 8, 9}) {
      check_linear_q8(rng, dtype, 1 + 7 * tokens, block * (1 + tokens % 3), tokens,
                      tokens % 2 ? Draw::kExtreme : Draw::kNormal, 1 + tokens % 3 / 2);
    }
    check_linear_q8(rng, dtype, 13, block * 2, 1, Draw::kNormal, 2);
  }
}

TEST(Ops, LinearQ8OfEveryRowCount) {
  Rng rng(15);
  for (int64_t rows = 1; rows <= 70; ++rows) {
    check_linear_q8(rng, DType::kQ5_0, rows, 32 * (1 + rows % 40), 1, Draw::kNormal);
    check_linear_q8(rng, DType::kQ4_0, rows, 32 * (1 + rows % 40), 5, Draw::kExtreme);
  }
}

TEST(Ops, LinearQ8OverSeveralPanels) {  // more than 16 blocks and 256 tokens
  Rng rng(16);
  for (const DType dtype : q8_dtypes()) check_linear_q8(rng, dtype, 19, 1280, 263, Draw::kNormal);
}

TEST(Ops, LinearQ8AtTheLargestLevels) {  // where sixteen bits would overflow first
  Rng rng(17);
  for (const DType dtype : q8_dtypes()) {
    for (const int64_t tokens : {1, 4, 6}) {
      LinearQ8Case c(rng, dtype, 8, 512, tokens);
      for (Q8Block& b : c.blocks) {
        std::fill(std::begin(b.q), std::end(b.q), int8_t{127});
        b.half_sums[0] = b.half_sums[1] = 16 * 127;
      }
      for (const uint8_t level : {0x00, 0x80, 0xff, 0x7f}) {  // all weights least, most, in the middle
        std::fill(c.w.begin(), c.w.end(), std::byte{level});
        for (size_t at = 0; at < c.w.size(); at += static_cast<size_t>(info(dtype).block_bytes)) {
          for (const size_t offset : scale_offsets(dtype)) std::memcpy(&c.w[at + offset], "\0\x3c", 2);
        }
        c.pack();
        expect_all_alike(fmt::format("{} levels {:#x}", name(dtype), level), 8, c.outputs(),
                         [&](const Ops& ops, float* y, int64_t b, int64_t e) { ops.linear_q8(c.args(y), b, e); });
      }
    }
  }
}

TEST(Ops, QuantizeRows) {
  Rng rng(18);
  std::vector<float> x = random_floats(rng, 7 * 96, Draw::kExtreme);
  for (size_t i = 0; i < 64; ++i) x[i] = i % 2 ? 0x1p-101f : -0x1p-120f;           // too small to have an inverse
  for (size_t i = 64; i < 96; ++i) x[i] = 127.0f - static_cast<float>(i) + 64.5f;  // ties
  x[100] = std::numeric_limits<float>::infinity();
  x[140] = std::numeric_limits<float>::quiet_NaN();
  const auto run = [&](const Ops& ops) {
    std::vector<Q8Block> out(42);
    for (int64_t t = 0; t < 7; t += 3) ops.quantize_rows({x.data(), out.data(), 96, 2}, t, std::min(t + 3, int64_t{7}));
    return out;
  };
  const std::vector<Q8Block> want = run(*supported_ops().front());
  for (const Ops* ops : supported_ops()) {
    const std::vector<Q8Block> got = run(*ops);
    for (size_t i = 0; i < want.size(); ++i) {
      EXPECT_EQ(0, std::memcmp(want[i].q, got[i].q, 32)) << ops->name << " block " << i;
      EXPECT_EQ(want[i].half_sums[0], got[i].half_sums[0]);
      EXPECT_EQ(want[i].half_sums[1], got[i].half_sums[1]);
      if (want[i].scale != want[i].scale) {
        EXPECT_NE(got[i].scale, got[i].scale);
        EXPECT_NE(got[i].sum, got[i].sum);
      } else {
        EXPECT_EQ(want[i].scale, got[i].scale);
        EXPECT_EQ(want[i].sum, got[i].sum);
      }
    }
  }
}

TEST(Ops, RmsNorm) {
  Rng rng(4);
  for (const Draw draw : {Draw::kNormal, Draw::kExtreme}) {
    for (const int64_t width : {1, 7, 8, 15, 16, 17, 33, 100, 3136}) {
      const auto x = random_floats(rng, 5 * width, draw), w = random_floats(rng, width);
      expect_all_alike(fmt::format("width {}", width), 5, 5 * width,
                       [&](const Ops& ops, float* y, int64_t begin, int64_t end) {
                         ops.rms_norm({x.data(), w.data(), y, width, 1e-5f}, begin, end);
                       });
    }
  }
}

TEST(Ops, RmsNormInPlace) {
  Rng rng(5);
  const auto x = random_floats(rng, 3 * 37), w = random_floats(rng, 37);
  expect_all_alike("in place", 3, 3 * 37, [&](const Ops& ops, float* y, int64_t begin, int64_t end) {
    std::copy(x.begin() + begin * 37, x.begin() + end * 37, y + begin * 37);
    ops.rms_norm({y, w.data(), y, 37, 1e-5f}, begin, end);
  });
}

TEST(Ops, GatedNorm) {
  Rng rng(6);
  struct Shape {
    int64_t groups, width;
  };
  for (const Shape& s : std::vector<Shape>{{1, 5}, {1, 64}, {5, 9}, {8, 24}, {8, 960}}) {
    const int64_t d_inner = s.groups * s.width, z_stride = d_inner + 11;
    const auto y = random_floats(rng, 4 * d_inner), z = random_floats(rng, 4 * z_stride, Draw::kNormal, 5.0f);
    const auto w = random_floats(rng, d_inner);
    expect_all_alike(fmt::format("{} groups of {}", s.groups, s.width), 4 * s.groups, 4 * d_inner,
                     [&](const Ops& ops, float* out, int64_t begin, int64_t end) {
                       const GatedNormArgs a{y.data(), z.data(), z_stride, w.data(), out, d_inner, s.groups, 1e-5f};
                       ops.gated_norm(a, begin, end);
                     });
  }
}

TEST(Ops, ConvSilu) {
  Rng rng(7);
  constexpr int64_t kTokens = 6;
  for (const int64_t kernel : {1, 2, 4, 7}) {
    for (const int64_t conv_dim : {1, 8, 13, 16, 50, 321, 1030}) {
      const int64_t in_stride = conv_dim + 5, log_rows = kernel - 1 + kTokens;
      const auto in = random_floats(rng, kTokens * in_stride, Draw::kNormal, 20.0f);
      const auto past = random_floats(rng, (kernel - 1) * conv_dim, Draw::kNormal, 20.0f);
      const auto w = random_floats(rng, kernel * conv_dim), b = random_floats(rng, conv_dim);
      expect_all_alike(
          fmt::format("width {} over {}", kernel, conv_dim), conv_dim, (log_rows + kTokens) * conv_dim,
          [&](const Ops& ops, float* log, int64_t begin, int64_t end) {
            for (int64_t k = 0; k + 1 < kernel; ++k) {
              std::copy(past.begin() + k * conv_dim + begin, past.begin() + k * conv_dim + end,
                        log + k * conv_dim + begin);
            }
            float* out = log + log_rows * conv_dim;
            ops.conv_silu({in.data(), in_stride, log, w.data(), b.data(), out, kTokens, conv_dim, kernel}, begin, end);
          });
    }
  }
}

/// Heads, head width, state, groups, positions: spanning two tiles and panels, and shapes that are multiples of
/// nothing.
const std::vector<SsdShape> kSsdShapes = {{1, 1, 1, 1, 1},     {2, 5, 7, 1, 9},     {6, 20, 33, 3, 63},
                                          {5, 80, 16, 5, 64},  {4, 64, 128, 2, 64}, {3, 67, 300, 1, 40},
                                          {2, 24, 129, 1, 13}, {2, 9, 5, 2, 64}};

constexpr DType kStateTypes[] = {DType::kF32, DType::kF16, DType::kBF16};

void check_ssd_output(DType state_type) {
  Rng rng(8);
  for (const SsdShape& s : kSsdShapes) {
    SsdCase c(rng, s, 3, state_type);
    for (const auto& [first, last] : std::vector<std::pair<int64_t, int64_t>>{{0, s.positions},
                                                                              {s.positions / 2, s.positions},
                                                                              {s.positions - 1, s.positions},
                                                                              {s.positions / 3, s.positions / 3 + 1},
                                                                              {s.positions / 4, s.positions * 3 / 4}}) {
      const int64_t n = last - first;
      if (n == 0) continue;
      expect_all_alike(
          fmt::format("{} heads of {} in {}, positions {} to {}", s.heads, s.head_dim, name(state_type), first, last),
          s.heads, n * s.heads * s.head_dim,
          [&, first = first, last = last](const Ops& ops, float* y, int64_t begin, int64_t end) {
            ops.ssd_output(c.output(y, first, last), begin, end);
          });
    }
  }
}

TEST(Ops, SsdOutput) {
  for (const DType type : kStateTypes) check_ssd_output(type);
}

TEST(Ops, FromZeroAsFromAStateOfZeros) {
  Rng rng(12);
  for (const SsdShape& s : kSsdShapes) {
    SsdCase c(rng, s);
    std::fill(c.state.begin(), c.state.end(), std::byte{0});
    const auto n = static_cast<size_t>(s.positions * s.heads * s.head_dim);
    for (const Ops* ops : supported_ops()) {
      for (const int64_t first : {int64_t{0}, s.positions - 1}) {  // many outputs and few take different ways
        std::vector<float> want(n), got(n);
        SsdOutputArgs args = c.output(want.data(), first, s.positions);
        ops->ssd_output(args, 0, s.heads);
        args.y = got.data();
        args.chunk.state = nullptr;
        args.chunk.from_zero = true;
        ops->ssd_output(args, 0, s.heads);
        expect_same_bits(want, got, fmt::format("{} ssd_output", ops->name));
      }
      std::vector<std::byte> want = c.state, got(want.size(), std::byte{0xff});
      ops->ssd_advance({c.chunk(want.data()), s.positions}, 0, s.heads);
      SsdAdvanceArgs args{c.chunk(got.data()), s.positions};
      args.chunk.from_zero = true;
      ops->ssd_advance(args, 0, s.heads);
      EXPECT_EQ(want, got) << ops->name;
    }
  }
}

TEST(Ops, SsdOutputHoweverCut) {
  Rng rng(9);
  constexpr int64_t kPositions = 64, kWidth = 4 * 24;
  SsdCase c(rng, {4, 24, 150, 2, kPositions});
  for (const Ops* ops : supported_ops()) {
    std::vector<float> whole(static_cast<size_t>(kPositions * kWidth)), cut(whole.size());
    ops->ssd_output(c.output(whole.data(), 0, kPositions), 0, 4);
    for (const int64_t step : {1, 2, 5, 8, 9, 13, 33}) {
      for (int64_t i = 0; i < kPositions; i += step)
        ops->ssd_output(c.output(cut.data() + i * kWidth, i, std::min(i + step, kPositions)), 0, 4);
      expect_same_bits(whole, cut, fmt::format("{} by {}", ops->name, step));
    }
  }
}

TEST(Ops, SsdAdvance) {
  Rng rng(10);
  for (const DType type : kStateTypes) {
    for (const SsdShape& s : kSsdShapes) {
      const SsdCase c(rng, s, 3, type);
      const int64_t per_head = s.head_dim * s.state;
      const size_t head_bytes = storage_bytes(type, per_head);
      expect_all_alike(
          fmt::format("{} heads of {} x {}, {}", s.heads, s.head_dim, s.state, name(type)), s.heads, s.heads * per_head,
          [&](const Ops& ops, float* out, int64_t begin, int64_t end) {
            std::vector<std::byte> state = c.state;  // other heads keep what they hold
            ops.ssd_advance({c.chunk(state.data()), s.positions}, begin, end);
            const auto head = [&](int64_t h) { return static_cast<size_t>(h) * head_bytes; };
            EXPECT_EQ(0, std::memcmp(state.data(), c.state.data(), head(begin))) << ops.name;
            EXPECT_EQ(0, std::memcmp(state.data() + head(end), c.state.data() + head(end), state.size() - head(end)))
                << ops.name;
            decode(type, state.data() + head(begin),
                   {out + begin * per_head, static_cast<size_t>((end - begin) * per_head)});
          });
    }
  }
}

TEST(Ops, Attention) {
  Rng rng(11);
  struct Shape {
    int64_t heads, kv_heads, head_dim, position, tokens;
  };
  for (const DType kv_type : {DType::kF32, DType::kF16, DType::kBF16, DType::kF8E4M3}) {
    for (const Shape& s : std::vector<Shape>{{1, 1, 1, 0, 1},
                                             {4, 4, 16, 0, 9},
                                             {10, 2, 20, 60, 7},
                                             {5, 1, 128, 63, 1},
                                             {6, 3, 64, 130, 66},
                                             {3, 1, 37, 191, 2}}) {
      const AttentionCase c(rng, kv_type, s.heads, s.kv_heads, s.head_dim, s.position, s.tokens);
      expect_all_alike(fmt::format("{} heads {}/{} of {}, {} tokens from {}", name(kv_type), s.heads, s.kv_heads,
                                   s.head_dim, s.tokens, s.position),
                       c.items(), c.items() * s.head_dim, [&](const Ops& ops, float* out, int64_t begin, int64_t end) {
                         ops.attention(c.args(out), begin, end);
                       });
    }
  }
}

TEST(Ops, AttentionTokenByToken) {
  Rng rng(12);
  AttentionCase all(rng, DType::kF16, 4, 2, 48, 50, 90);
  for (const Ops* ops : supported_ops()) {
    std::vector<float> whole(all.q.size()), single(all.q.size());
    ops->attention(all.args(whole.data()), 0, all.items());
    for (int64_t t = 0; t < 90; ++t) {
      AttentionArgs a = all.args(single.data() + t * 4 * 48);
      a.q += t * 4 * 48;
      a.position += t;
      ops->attention(a, 0, 4);
    }
    expect_same_bits(whole, single, std::string(ops->name));
  }
}

TEST(Ops, Elementwise) {
  Rng rng(13);
  for (const int64_t n : {1, 7, 8, 16, 31, 100}) {
    const auto x = random_floats(rng, n, Draw::kExtreme), y = random_floats(rng, n, Draw::kExtreme);
    const auto in_place = [&](auto op) {
      return [&, op](const Ops& ops, float* out, int64_t begin, int64_t end) {
        std::copy(x.begin() + begin, x.begin() + end, out + begin);
        op(ops, out, begin, end);
      };
    };
    expect_all_alike("relu2", n, n,
                     in_place([](const Ops& ops, float* out, int64_t b, int64_t e) { ops.relu2(out, b, e); }));
    expect_all_alike("add", n, n,
                     in_place([&](const Ops& ops, float* out, int64_t b, int64_t e) { ops.add(out, y.data(), b, e); }));
    expect_all_alike("softplus", n, n, in_place([&](const Ops& ops, float* out, int64_t b, int64_t e) {
                       ops.softplus(out + b, y.data() + b, e - b);
                     }));
  }
}

TEST(Ops, ToKv) {
  std::vector<float> x;
  for (uint64_t u = 0; u <= 0xffffffffu; u += 65521) x.push_back(std::bit_cast<float>(static_cast<uint32_t>(u)));
  const auto n = static_cast<int64_t>(x.size());
  for (const DType kv_type : {DType::kF32, DType::kF16, DType::kBF16, DType::kF8E4M3}) {
    std::vector<std::byte> want(storage_bytes(kv_type, n) + 64, std::byte{0xa5});
    supported_ops().front()->to_kv(kv_type, 0.03f, x.data(), want.data(), n);
    for (const Ops* ops : supported_ops()) {
      std::vector<std::byte> got(want.size(), std::byte{0xa5});
      ops->to_kv(kv_type, 0.03f, x.data(), got.data(), n);
      EXPECT_EQ(want, got) << ops->name << " " << name(kv_type);
    }
  }
}

TEST(Ops, ReluLetsNanThrough) {
  for (const Ops* ops : supported_ops()) {
    std::vector<float> x(19, std::numeric_limits<float>::quiet_NaN());
    ops->relu2(x.data(), 0, 19);
    for (const float value : x) EXPECT_NE(value, value) << ops->name;
  }
}

}  // namespace
}  // namespace adder
