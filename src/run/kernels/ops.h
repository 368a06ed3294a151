#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/tensor/tensor.h"
#include "run/kernels/packed.h"

namespace adder {

/// The op table: every number a model computes comes from one of these functions. `ref/` is complete, always built
/// and normative; an ISA starts from its parent's table and replaces rows. All levels are equal *to the bit*
/// (docs/numerics.md) because each op fixes its order of operations, every one rounded to f32:
///
///   dot16(a, b): sixteen partial sums, lane l taking k = l, l+16, ... in order, each step one fma from zero (a short
///                last step is padded with zeros); then lane l + lane l+8, then +4, +2, +1.
///   sum16(a):    the same with additions.
///   exp, silu:   kernels/math.h, one polynomial with fma.
///   a * b * c:   from the left.
///
/// Work is split by the caller over independent outputs (`begin`, `end`); a split never changes a bit. Activations are
/// f32, row-major, contiguous. Shape letters: docs/notation.md (T tokens, H hidden, Hm Mamba heads, P head dim, N
/// state, G groups, K conv width, D head_dim of attention).

/// y[t, r] = dot16(decode(w[r, :]), x[t, :]) * scale   for r in [begin, end), all t.   w [R, C], x [T, C], y [T, R].
/// Codes of F8_E4M3 count 2^-8 of their value, as the half that has the same bits one place further on, and `scale`
/// counts 2^8 of its own.
struct LinearArgs {
  TensorView w;
  const float* x;
  float* y;
  int64_t n_tokens;
  float scale = 1;
};

/// 32 activations rounded to bytes: x = scale * q.  With a = max |x|:
///   scale = a / 127,   q = x * (127 / a) to the nearest integer, ties to even     (both 0 if a < 2^-100)
/// A block that holds NaN or Inf has scale NaN and q 0.
struct Q8Block {
  float scale;
  float sum;             ///< scale * (half_sums[0] + half_sums[1])
  int16_t half_sums[2];  ///< sums of q over elements 0..15 and 16..31
  int8_t q[32];
};

/// out[t, b, p] for rows t in [begin, end).   x [T, C], out [T, C / 32, parts], C a multiple of 32. Part 0 is the block
/// as above, part p the same of what the parts before leave, x - scale * q (product and difference each rounded).
struct QuantizeRowsArgs {
  const float* x;
  Q8Block* out;
  int64_t width;
  int64_t parts;
};

/// Integer weights w_k = d (m_h q_k) + bias (packed.h). y[t, r] over the blocks b of a row in order, and the parts of
/// each in order, from acc = 0:
///   S   = m_0 sum_{k<16} q_k x.q_k + m_1 sum_{k>=16} q_k x.q_k            an integer, exact in f32
///   acc = fma(d * x.scale, S, acc),   then acc = fma(bias, x.sum, acc)    where the format has a bias
/// for r in [begin, end), all t.   w [R, C], x [T, C / 32, parts], y [T, R].
struct LinearQ8Args {
  PackedMatrix w;
  const Q8Block* x;
  float* y;
  int64_t n_tokens;
  int64_t parts;
};

/// y = x * r * w, r = 1 / sqrt(dot16(x, x) / H + eps), rows t in [begin, end).   x, y [T, H] (may alias), w [H].
struct RmsNormArgs {
  const float* x;
  const float* w;
  float* y;
  int64_t width;
  float eps;
};

/// u = y * silu(z), then every group of d_inner / G elements normalised by itself as in RmsNormArgs (gate first). Items
/// (t, group) in [begin, end), item = t * G + group. y [T, d_inner], out [T, d_inner] (may alias y); z rows are
/// `z_stride` floats apart (a slice of in_proj's output).
struct GatedNormArgs {
  const float* y;
  const float* z;
  int64_t z_stride;
  const float* w;
  float* out;
  int64_t d_inner;
  int64_t n_groups;
  float eps;
};

/// Appends the tokens to the log of what the convolution has seen, and convolves it:
///   log[K-1 + t, c] = in[t, c]
///   out[t, c] = silu(b[c] + sum_{k<K} w[k, c] * log[t + k, c])      k in order by fma, starting from b
/// in [T, >= conv_dim], rows `in_stride` apart (a slice of in_proj's output); log [K-1+T, conv_dim], of which the first
/// K-1 rows belong to earlier tokens; out [T, conv_dim]; w [K, conv_dim] (transposed at load). Channels c in [begin,
/// end).
struct ConvSiluArgs {
  const float* in;
  int64_t in_stride;
  float* log;
  const float* w;
  const float* b;
  float* out;
  int64_t n_tokens;
  int64_t conv_dim;
  int64_t kernel;
};

/// Everything the scan needs about one canonical chunk of one sequence and layer. Position i in the chunk reads the
/// state at the chunk's start and the log of positions 0..i, never a state updated in between, so prefill, decode and
/// replay evaluate the same expression (arXiv 2405.21060, section 6, with a chunk of absolute positions). At most
/// kMaxChunk positions.
///   state [Hm, N, P]      at the chunk's start, each number of state_type: P last, so that the outputs of a head lie
///                         side by side
///   x     [chunk, d_inner], b [chunk, G*N]  post-conv inputs, rows x_stride / b_stride apart
///   dt    [chunk, Hm]     after softplus
///   cs    [chunk, Hm]     inclusive sum of dt*A over the chunk, in order
struct SsdChunk {
  std::byte* state;
  const float* x;
  int64_t x_stride;
  const float* b;
  int64_t b_stride;
  const float* dt;
  const float* cs;
  int64_t n_heads, head_dim, state_size, n_groups;
  DType state_type = DType::kF32;  ///< F32, F16 or BF16
  bool from_zero = false;          ///< a sequence's first chunk: its state counts as zeros, and none is read
};
inline constexpr int64_t kMaxChunk = 64;

/// For positions i in [first, last) of the chunk and heads h in [begin, end), g = h / (Hm/G):
///   y[i, h, p] = exp(cs_i) * sum_n c_i[g, n] * state[h, n, p]                                   fma, n in order
///              + sum_{j<=i} (exp(cs_i - cs_j) * dt_j * dot16(c_i[g], b_j[g])) * x_j[h, p]      fma, j in order
///              + d[h] * x_i[h, p]                                                              fma, last
/// c and y are indexed by i - first; rows c_stride / d_inner apart.
struct SsdOutputArgs {
  SsdChunk chunk;
  const float* c;
  int64_t c_stride;
  const float* d;
  float* y;
  int64_t first, last;
};

/// The state after a full chunk of n positions, in place, heads [begin, end):
///   state[h, n, p] = exp(cs_last) * state[h, n, p] + sum_j (exp(cs_last - cs_j) * dt_j * x_j[h, p]) * b_j[g, n]
///                                                                                                fma, j in order
/// and at the end rounded to state_type, to nearest even.
struct SsdAdvanceArgs {
  SsdChunk chunk;
  int64_t n_positions;
};

/// Causal grouped-query attention for consecutive positions of one sequence, over keys stored in pages of kKeyBlock
/// absolute positions. Query head i uses KV head i / (n_heads / n_kv_heads). Query t sees keys 0 .. position + t. For
/// every query one online softmax, from m = -inf, l = 0, o = 0, pages in order:
///   s_j = fma(q_d, k_jd, s_j), d in order, from 0; then s_j * scale       keys j of the page the query sees
///   m'  = max(m, max_j s_j)
///   p_j = exp(s_j - m')                     0 for keys it does not see
///   l   = fma(l, exp(m - m'), sum16(p))     all kKeyBlock of them
///   o   = o * exp(m - m'), then o = fma(p_j, v_j, o), j in order
/// and out = o / l * v_scale at the end. Items (t, head) in [begin, end), item = t * n_heads + head. As in LinearArgs
/// codes of F8_E4M3 count 2^-8 of their value, and `scale` and v_scale count 2^8 of their own.
struct AttentionArgs {
  const float* q;                   ///< [T, n_heads, D]
  float* out;                       ///< [T, n_heads, D]
  const std::byte* const* k_pages;  ///< each [n_kv_heads, D, kKeyBlock] of kv_type: scores are sums of its rows
  const std::byte* const* v_pages;  ///< each [n_kv_heads, kKeyBlock, D]
  DType kv_type;                    ///< F32, F16, BF16 or F8_E4M3
  int64_t position;
  int64_t n_heads, n_kv_heads, head_dim;
  float scale;        ///< of scores: 1 / sqrt(D), times what a code of 1 stands for in keys of F8_E4M3
  float v_scale = 1;  ///< what a code of 1 stands for in values
};
inline constexpr int64_t kKeyBlock = 64;

struct Ops {
  std::string_view name;  ///< "scalar", "avx2", "avx512", "avx512vnni", "amx"
  void (*linear)(const LinearArgs&, int64_t begin, int64_t end);
  void (*quantize_rows)(const QuantizeRowsArgs&, int64_t begin, int64_t end);
  void (*linear_q8)(const LinearQ8Args&, int64_t begin, int64_t end);
  void (*rms_norm)(const RmsNormArgs&, int64_t begin, int64_t end);
  void (*gated_norm)(const GatedNormArgs&, int64_t begin, int64_t end);
  void (*conv_silu)(const ConvSiluArgs&, int64_t begin, int64_t end);
  void (*ssd_output)(const SsdOutputArgs&, int64_t begin, int64_t end);
  void (*ssd_advance)(const SsdAdvanceArgs&, int64_t begin, int64_t end);
  void (*attention)(const AttentionArgs&, int64_t begin, int64_t end);
  void (*relu2)(float* x, int64_t begin, int64_t end);                ///< x = max(x, 0)^2
  void (*add)(float* x, const float* y, int64_t begin, int64_t end);  ///< x += y
  void (*softplus)(float* x, const float* bias, int64_t n);           ///< x = log(1 + exp(x + bias)), x above 20
  /// x rounded to nearest even; for F8_E4M3 x / scale, and magnitudes above 448 become 448.
  void (*to_kv)(DType kv_type, float scale, const float* x, std::byte* out, int64_t n);
};

/// All tables this binary has and this CPU can run, slowest first; the first is always "scalar".
std::vector<const Ops*> supported_ops();

/// The best supported table, or the one ADDER_ISA names: unknown or unsupported names are an error that lists what is
/// there.
Result<const Ops*> select_ops();
Result<const Ops*> select_ops(std::string_view name);

}  // namespace adder
