#include <gtest/gtest.h>

#include "core/quant/codec.h"
#include "run/kernels/ops.h"
#include "run/kernels/ops_cases.h"

/// Every table against the plainest float64 formula. Tolerances are relative to the sum of the absolute terms an output
/// is made of, so that cancellation does not count as error; docs/numerics.md states them.
namespace adder {
namespace {

struct Expected {
  double value = 0.0, magnitude = 0.0;
  void add(double term) {
    value += term;
    magnitude += std::abs(term);
  }
};

void expect_near(const std::vector<Expected>& want, const std::vector<float>& got, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(want.size(), got.size());
  double worst = 0.0;
  for (size_t i = 0; i < want.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - want[i].value) / (want[i].magnitude + 1e-30));
  }
  EXPECT_LE(worst, tolerance) << what;
  EXPECT_GT(worst, 0.0) << what << ": exact, is this comparing anything?";
}

double silu64(double x) {
  return x / (1.0 + std::exp(-x));
}
double at(const std::vector<float>& v, int64_t i) {
  return static_cast<double>(v[static_cast<size_t>(i)]);
}

TEST(Accuracy, Linear) {
  Rng rng(21);
  for (const DType dtype : weight_dtypes()) {
    const int64_t rows = 40, cols = 1024, tokens = 5;
    const LinearCase c(rng, dtype, rows, cols, tokens);
    std::vector<float> w(static_cast<size_t>(rows * cols));
    decode(dtype, c.w.data(), w);
    std::vector<Expected> want(static_cast<size_t>(rows * tokens));
    for (int64_t t = 0; t < tokens; ++t) {
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < cols; ++k)
          want[static_cast<size_t>(t * rows + r)].add(at(w, r * cols + k) * at(c.x, t * cols + k) *
                                                      static_cast<double>(c.scale));
      }
    }
    for (const Ops* ops : supported_ops()) {
      std::vector<float> y(want.size());
      ops->linear(c.args(y.data()), 0, rows);
      expect_near(want, y, 5e-7, fmt::format("{} {}", ops->name, name(dtype)));
    }
  }
}

TEST(Accuracy, QuantizeRows) {
  Rng rng(27);
  const std::vector<float> x = random_floats(rng, 4096);
  std::vector<Q8Block> blocks(256);
  for (const Ops* ops : supported_ops()) {
    ops->quantize_rows({x.data(), blocks.data(), 4096, 2}, 0, 1);
    for (int64_t k = 0; k < 4096; ++k) {
      double left = at(x, k);
      for (size_t part = 0; part < 2; ++part) {
        const Q8Block& b = blocks[static_cast<size_t>(k / 32 * 2) + part];
        left -= static_cast<double>(b.scale) * b.q[k % 32];
        ASSERT_LE(std::abs(left), (part ? 0.51 : 0.5001) * static_cast<double>(b.scale))
            << ops->name << " part " << part;
      }
    }
  }
}

TEST(Accuracy, LinearQ8) {
  Rng rng(28);
  for (const DType dtype : q8_dtypes()) {
    const int64_t rows = 40, cols = 1024, tokens = 5;
    const LinearQ8Case c(rng, dtype, rows, cols, tokens);
    std::vector<float> w(static_cast<size_t>(rows * cols));
    decode(dtype, c.w.data(), w);
    std::vector<Expected> want(static_cast<size_t>(rows * tokens));
    for (int64_t t = 0; t < tokens; ++t) {
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = 0; k < cols; ++k) {
          const Q8Block& b = c.blocks[static_cast<size_t>((t * cols + k) / 32)];
          want[static_cast<size_t>(t * rows + r)].add(at(w, r * cols + k) * static_cast<double>(b.scale) * b.q[k % 32]);
        }
      }
    }
    for (const Ops* ops : supported_ops()) {
      std::vector<float> y(want.size());
      ops->linear_q8(c.args(y.data()), 0, rows);
      expect_near(want, y, 1e-6, fmt::format("{} {}", ops->name, name(dtype)));
    }
  }
}

TEST(Accuracy, Norms) {
  Rng rng(22);
  const int64_t width = 3136, groups = 8;
  const auto x = random_floats(rng, width), z = random_floats(rng, width, Draw::kNormal, 3.0f);
  const auto w = random_floats(rng, width);
  std::vector<Expected> rms(static_cast<size_t>(width)), gated(rms.size());
  double mean = 0.0;
  for (int64_t i = 0; i < width; ++i) mean += at(x, i) * at(x, i) / static_cast<double>(width);
  for (int64_t i = 0; i < width; ++i) rms[static_cast<size_t>(i)].add(at(x, i) / std::sqrt(mean + 1e-5) * at(w, i));
  const int64_t group = width / groups;
  for (int64_t g = 0; g < groups; ++g) {
    double sum = 0.0;
    for (int64_t i = g * group; i < (g + 1) * group; ++i) sum += std::pow(at(x, i) * silu64(at(z, i)), 2.0);
    const double scale = 1.0 / std::sqrt(sum / static_cast<double>(group) + 1e-5);
    for (int64_t i = g * group; i < (g + 1) * group; ++i) {
      gated[static_cast<size_t>(i)].add(at(x, i) * silu64(at(z, i)) * scale * at(w, i));
    }
  }
  for (const Ops* ops : supported_ops()) {
    std::vector<float> y(static_cast<size_t>(width));
    ops->rms_norm({x.data(), w.data(), y.data(), width, 1e-5f}, 0, 1);
    expect_near(rms, y, 5e-7, fmt::format("{} rms_norm", ops->name));
    ops->gated_norm({x.data(), z.data(), width, w.data(), y.data(), width, groups, 1e-5f}, 0, groups);
    expect_near(gated, y, 1e-6, fmt::format("{} gated_norm", ops->name));
  }
}

TEST(Accuracy, ConvSilu) {
  Rng rng(23);
  const int64_t dim = 500, kernel = 4, tokens = 3;
  const auto seen = random_floats(rng, (kernel - 1 + tokens) * dim), w = random_floats(rng, kernel * dim);
  const auto b = random_floats(rng, dim);
  const std::vector<float> in(seen.begin() + (kernel - 1) * dim, seen.end());
  std::vector<Expected> want(static_cast<size_t>(tokens * dim));
  for (int64_t i = 0; i < tokens * dim; ++i) {
    Expected sum;
    sum.add(at(b, i % dim));
    for (int64_t k = 0; k < kernel; ++k) sum.add(at(w, k * dim + i % dim) * at(seen, i + k * dim));
    want[static_cast<size_t>(i)] = {silu64(sum.value), sum.magnitude};
  }
  for (const Ops* ops : supported_ops()) {
    std::vector<float> out(want.size()), log = seen;
    std::fill(log.begin() + (kernel - 1) * dim, log.end(), 0.0f);
    ops->conv_silu({in.data(), dim, log.data(), w.data(), b.data(), out.data(), tokens, dim, kernel}, 0, dim);
    expect_near(want, out, 5e-7, std::string(ops->name));
    EXPECT_EQ(log, seen) << ops->name;
  }
}

/// The recurrence of the paper, token by token, which the ops never compute: S = a S + dt x B^T, y = S C + d x, once
/// with the values and once with their magnitudes.
struct Recurrence {
  std::vector<Expected> state, y;

  explicit Recurrence(const SsdCase& c) : state(static_cast<size_t>(c.shape.heads * c.shape.head_dim * c.shape.state)) {
    const SsdShape& s = c.shape;
    std::vector<float> start(state.size());
    decode(c.state_type, c.state.data(), start);
    for (size_t k = 0; k < state.size(); ++k) state[k].add(static_cast<double>(start[k]));
    for (int64_t i = 0; i < s.positions; ++i) {
      for (int64_t h = 0; h < s.heads; ++h) {
        const double before = i == 0 ? 0.0 : at(c.cs, (i - 1) * s.heads + h);
        const double decay = std::exp(at(c.cs, i * s.heads + h) - before);
        const int64_t bc = i * c.bc_stride + h / (s.heads / s.groups) * s.state;
        for (int64_t p = 0; p < s.head_dim; ++p) {
          const double x = at(c.x, i * c.x_stride + h * s.head_dim + p);
          Expected out;
          for (int64_t n = 0; n < s.state; ++n) {
            Expected& cell = state[static_cast<size_t>((h * s.state + n) * s.head_dim + p)];
            cell = {decay * cell.value, decay * cell.magnitude};
            cell.add(at(c.dt, i * s.heads + h) * x * at(c.b, bc + n));
            out.value += cell.value * at(c.c, bc + n);
            out.magnitude += cell.magnitude * std::abs(at(c.c, bc + n));
          }
          out.add(at(c.d, h) * x);
          y.push_back(out);
        }
      }
    }
  }
};

/// `rounding`: how far storing may move a number of the state, relatively.
void check_scan(DType state_type, double rounding) {
  Rng rng(24);
  SsdCase c(rng, {6, 40, 64, 3, 64}, 3, state_type);
  const Recurrence want(c);
  for (const Ops* ops : supported_ops()) {
    std::vector<float> y(want.y.size()), after(want.state.size());
    std::vector<std::byte> state = c.state;
    ops->ssd_output(c.output(y.data(), 0, 64), 0, 6);
    expect_near(want.y, y, 1e-6, fmt::format("{} ssd_output", ops->name));
    ops->ssd_advance({c.chunk(state.data()), 64}, 0, 6);
    decode(c.state_type, state.data(), after);
    expect_near(want.state, after, 1e-6 + rounding, fmt::format("{} ssd_advance", ops->name));
  }
}

TEST(Accuracy, ScanAgainstTheRecurrence) {
  check_scan(DType::kF32, 0);
  check_scan(DType::kF16, 0x1p-11);
  check_scan(DType::kBF16, 0x1p-8);
}

void check_attention(DType kv_type) {
  Rng rng(25);
  const int64_t heads = 6, kv_heads = 2, D = 64, position = 150, tokens = 3;
  const AttentionCase c(rng, kv_type, heads, kv_heads, D, position, tokens);
  std::vector<Expected> want(static_cast<size_t>(c.items() * D));
  for (int64_t item = 0; item < c.items(); ++item) {
    const int64_t kv_head = item % heads / (heads / kv_heads);
    const auto number = [&](const std::vector<const std::byte*>& pages, int64_t j, int64_t element) {
      float x;
      decode(kv_type, pages[static_cast<size_t>(j / kKeyBlock)] + storage_bytes(kv_type, element), {&x, 1});
      return static_cast<double>(x);
    };
    const auto key = [&](int64_t j, int64_t d) {
      return number(c.k_pages, j, (kv_head * D + d) * kKeyBlock + j % kKeyBlock);
    };
    const auto value = [&](int64_t j, int64_t d) {
      return number(c.v_pages, j, (kv_head * kKeyBlock + j % kKeyBlock) * D + d) *
             static_cast<double>(c.layout.v_scale);
    };
    std::vector<double> p;
    double sum = 0.0;
    for (int64_t j = 0; j <= position + item / heads; ++j) {
      double score = 0.0;
      for (int64_t d = 0; d < D; ++d) score += at(c.q, item * D + d) * key(j, d);
      p.push_back(std::exp(score * static_cast<double>(c.layout.scale)));
      sum += p.back();
    }
    for (int64_t d = 0; d < D; ++d) {
      Expected& out = want[static_cast<size_t>(item * D + d)];
      for (size_t j = 0; j < p.size(); ++j) out.add(p[j] / sum * value(static_cast<int64_t>(j), d));
    }
  }
  for (const Ops* ops : supported_ops()) {
    std::vector<float> out(want.size());
    ops->attention(c.args(out.data()), 0, c.items());
    expect_near(want, out, 2e-6, fmt::format("{} {}", ops->name, name(kv_type)));
  }
}

TEST(Accuracy, Attention) {
  check_attention(DType::kF32);
  check_attention(DType::kF8E4M3);
}

}  // namespace
}  // namespace adder
