#pragma once

#include "run/kernels/x86/q8/formats.h"

namespace adder::ADDER_LEVEL {
namespace {

/// body(Column<i>) for the eight times four columns of a block.
template <int i>
struct Column {};
template <class Body>
inline void for_columns(const Body& body) {
  body(Column<0>{});
  body(Column<1>{});
  body(Column<2>{});
  body(Column<3>{});
  body(Column<4>{});
  body(Column<5>{});
  body(Column<6>{});
  body(Column<7>{});
}

/// acc[t][r], outputs of token t for the rows of register r, goes on over one block: its weights are w[r], its
/// activations x[t][0 .. parts). A weight register meets all of them, activations in a register meet all rows.
template <int parts, class Format, template <class> class Weights, int R, int T>
inline void add_block(const Weights<Format> (&w)[R], const Q8Block* const (&x)[T], F (&acc)[T][R]) {
  constexpr int kActivations = T * parts;
  Dot<Format> dots[kActivations][R];
  for (int v = 0; v < kActivations; ++v) {
    for (int r = 0; r < R; ++r) dots[v][r] = Dot<Format>(x[v / parts][v % parts]);
  }
  for_columns([&]<int i>(Column<i>) {
    for (int r = 0; r < R; ++r) {
      const I columns = w[r].template columns<i>();
      for (int v = 0; v < kActivations; ++v) {
        const I four = set1_4(x[v / parts][v % parts].q + 4 * i);  // loaded once for all r
        dots[v][r].template add_columns<i>(columns, four, w[r].factors);
      }
    }
  });
  for (int v = 0; v < kActivations; ++v) {
    const Q8Block& block = x[v / parts][v % parts];
    const F scale = set1(block.scale);
    for (int r = 0; r < R; ++r) {
      const Factors<Format>& f = w[r].factors;
      F& a = acc[v / parts][r];
      a = fma(mul(f.d, scale), dots[v][r].sum(block, f), a);
      if constexpr (Format::kBias) a = fma(f.bias.value, set1(block.sum), a);
    }
  }
}

/// y of the rows [begin, end) of token t, of which `sums` are the rows r, r + 1, ...
inline void write_rows(const FlatLinearQ8& a, int64_t t, const float* sums, int64_t r, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) a.y[t * a.n_rows + i] = sums[i - r];
}

}  // namespace
}  // namespace adder::ADDER_LEVEL
