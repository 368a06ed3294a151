#include <span>

#include "core/quant/codec.h"
#include "run/kernels/tables.h"
#include "run/kernels/x86/flat.h"

namespace adder {
namespace {

FlatLinear flatten(const LinearArgs& a) {
  return {.dtype = a.w.dtype,
          .w = reinterpret_cast<const uint8_t*>(a.w.data),
          .row_bytes = static_cast<int64_t>(a.w.row_bytes()),
          .n_rows = a.w.shape.rows(),
          .n_cols = a.w.shape.row_length(),
          .x = a.x,
          .y = a.y,
          .n_tokens = a.n_tokens,
          .scale = a.w.dtype == DType::kF8E4M3 ? 0x1p8f * a.scale : a.scale};
}

FlatLinearQ8 flatten(const LinearQ8Args& a) {
  return {.dtype = a.w.dtype,
          .w = reinterpret_cast<const uint8_t*>(a.w.data),
          .group_bytes = a.w.group_bytes(),
          .n_rows = a.w.n_rows,
          .n_blocks = a.w.n_blocks(),
          .x = a.x,
          .y = a.y,
          .n_tokens = a.n_tokens,
          .parts = a.parts};
}

}  // namespace

void decode_scalar(DType dtype, const uint8_t* blocks, int64_t n, float* out) {
  decode(dtype, reinterpret_cast<const std::byte*>(blocks), {out, static_cast<size_t>(n)});
}

void to_fp8_scalar(float scale, const float* x, std::byte* out, int64_t n) {
  scalar_ops().to_kv(DType::kF8E4M3, scale, x, out, n);
}

FlatFormat flat_format(DType dtype) {
  return {info(dtype).block_size, info(dtype).block_bytes};
}

const Ops& avx2_ops() {
  static const Ops kOps = [] {
    Ops ops = scalar_ops();
    ops.name = "avx2";
    ops.linear = [](const LinearArgs& a, int64_t begin, int64_t end) { avx2::linear(flatten(a), begin, end); };
    ops.linear_q8 = [](const LinearQ8Args& a, int64_t begin, int64_t end) { avx2::linear_q8(flatten(a), begin, end); };
    avx2::replace_rows(ops);
    return ops;
  }();
  return kOps;
}

const Ops& avx512_ops() {
  static const Ops kOps = [] {
    Ops ops = avx2_ops();
    ops.name = "avx512";
    ops.linear = [](const LinearArgs& a, int64_t begin, int64_t end) { avx512::linear(flatten(a), begin, end); };
    avx512::replace_rows(ops);
    return ops;
  }();
  return kOps;
}

const Ops& avx512vnni_ops() {
  static const Ops kOps = [] {
    Ops ops = avx512_ops();
    ops.name = "avx512vnni";
    ops.linear_q8 = [](const LinearQ8Args& a, int64_t begin, int64_t end) {
      avx512vnni::linear_q8(flatten(a), begin, end);
    };
    return ops;
  }();
  return kOps;
}

const Ops& amx_ops() {
  static const Ops kOps = [] {
    Ops ops = avx512vnni_ops();
    ops.name = "amx";
    ops.linear_q8 = [](const LinearQ8Args& a, int64_t begin, int64_t end) {
      constexpr int64_t kFewestTiled = 8;  // a tile costs the same however few of its rows are used
      (a.n_tokens < kFewestTiled ? avx512vnni::linear_q8 : amx::linear_q8)(flatten(a), begin, end);
    };
    return ops;
  }();
  return kOps;
}

}  // namespace adder
