#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/arch/roles.h"

namespace adder {

/// A named recipe that gives every matrix of a model a type: the names and rules of ggml's file types
/// (llama.cpp, src/llama-quant.cpp, without an importance matrix), so that files come out with the same types.
// clang-format off
enum class Mix : uint8_t {
  kF32, kF16, kBF16,
  kQ8_0, kQ6_K, kQ5_K_M, kQ5_K_S, kQ5_1, kQ5_0, kQ4_K_M, kQ4_K_S, kQ4_1, kQ4_0, kIQ4_NL,
};
// clang-format on

struct MixInfo {
  Mix mix;
  std::string_view name;  ///< "q4_k_m"
  DType matrix_type;      ///< what a matrix gets unless a rule says otherwise
  uint32_t file_type;     ///< general.file_type
};

const MixInfo& info(Mix mix);
std::span<const MixInfo> all_mixes();
std::optional<Mix> mix_from_name(std::string_view name);  ///< case-insensitive

/// The type of one tensor. `wanted` is what the rules say; where the row is no multiple of that type's block, `type` is
/// the nearest type with blocks of 32 (Q4_K -> Q5_0, Q5_K -> Q5_1, Q6_K -> Q8_0), or F16 if 32 does not divide either.
struct PlannedType {
  DType type, wanted;
  bool fell_back() const { return type != wanted; }
};

/// One entry per tensor_specs(config). With use_more(i, n) = i < n/8 or i >= 7n/8 or (i - n/8) mod 3 == 2:
///   what is no matrix                 F32
///   F32, F16, BF16 mixes              that type
///   output (embedding, if tied)       Q6_K, or Q8_0 if 256 does not divide the row or the mix is q8_0
///   q4_k_m, q5_k_m: v, down           Q6_K if use_more(index among v, number of v), (index among down, number of
///   layers) q4_k_s: the first 4 v, the first n_layers/8 down        Q5_K the rest                          the mix's
///   own type
std::vector<PlannedType> plan_types(Mix mix, const ModelConfig& config);

}  // namespace adder
