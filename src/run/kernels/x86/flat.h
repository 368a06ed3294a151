#pragma once

#include <cstdint>

#include "run/kernels/ops.h"

/// What crosses between the baseline and the files built for one level: plain structs and plain functions. A level's
/// files may call no inline function of a shared header (its copy, built for that level, could win at link time), so
/// the views of ops.h are taken apart here (tables.cc).
namespace adder {

struct FlatLinear {
  DType dtype;
  const uint8_t* w;
  int64_t row_bytes, n_rows, n_cols;
  const float* x;
  float* y;
  int64_t n_tokens;
  float scale;  ///< 2^8 of ops.h's for F8_E4M3
};

struct FlatLinearQ8 {
  DType dtype;
  const uint8_t* w;
  int64_t group_bytes, n_rows, n_blocks;
  const Q8Block* x;
  float* y;
  int64_t n_tokens, parts;
};

/// The scalar codec (core/quant), for formats a level has no decoder for.
void decode_scalar(DType dtype, const uint8_t* blocks, int64_t n, float* out);

/// to_kv of F8_E4M3 as the scalar table has it: a token makes few keys and values.
void to_fp8_scalar(float scale, const float* x, std::byte* out, int64_t n);

struct FlatFormat {
  int64_t block_size, block_bytes;
};
FlatFormat flat_format(DType dtype);

namespace avx2 {
void linear(const FlatLinear& a, int64_t begin, int64_t end);
void linear_q8(const FlatLinearQ8& a, int64_t begin, int64_t end);
void replace_rows(Ops& ops);  ///< all but the linear maps
}  // namespace avx2

namespace avx512 {
void linear(const FlatLinear& a, int64_t begin, int64_t end);
void replace_rows(Ops& ops);
}  // namespace avx512

namespace avx512vnni {
void linear_q8(const FlatLinearQ8& a, int64_t begin, int64_t end);
}  // namespace avx512vnni

namespace amx {
void linear_q8(const FlatLinearQ8& a, int64_t begin, int64_t end);
}  // namespace amx

}  // namespace adder
