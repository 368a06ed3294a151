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
/// (llama.cpp, src/llama-quant.cpp), so that files come out with the same types.
// clang-format off
enum class Mix : uint8_t {
  kF32, kF16, kBF16,
  kQ8_0, kQ6_K, kQ5_K_M, kQ5_K_S, kQ5_1, kQ5_0, kQ4_K_M, kQ4_K_S, kQ4_1, kQ4_0, kIQ4_NL,
  kIQ4_XS, kQ3_K_L, kQ3_K_M, kQ3_K_S, kQ2_K,
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
/// a type with blocks of 32 (Q4_K -> Q5_0, Q5_K -> Q5_1, Q6_K -> Q8_0, IQ4_XS -> IQ4_NL, Q2_K and Q3_K -> Q4_0), or F16
/// if 32 does not divide either.
struct PlannedType {
  DType type, wanted;
  bool fell_back() const { return type != wanted; }
};

// clang-format off
/// One entry per tensor_specs(config). With use_more(i, n) = i < n/8 or i >= 7n/8 or (i - n/8) mod 3 == 2, the i-th v of
/// n, the i-th down of n = all layers, and "grouped" = at least four heads share a key in the first layer, which has to
/// be one of attention for it:
///   what is no matrix               F32
///   F32, F16, BF16 mixes            that type
///   output (embedding, if tied)     Q6_K, or Q8_0 if 256 does not divide the row or the mix is q8_0
///   q5_k_m, q4_k_m                  v, down: Q6_K if use_more(i, n)
///   q4_k_s                          v: Q5_K if i < 4; down: Q5_K if i < n/8
///   iq4_nl, iq4_xs                  v: Q5_K if grouped; down, without an importance matrix: Q5_K if i < n/8
///   q5_0, q4_0                      down, with an importance matrix: Q5_1, Q4_1 if i < n/8
///   q3_k_l                          v, down, o: Q5_K
///   q3_k_m                          v: Q5_K if i < 2, else Q4_K; down: Q5_K if i < n/16, else Q4_K; o: Q4_K
///   q2_k                            v: Q4_K if grouped, else Q3_K; down, o: Q3_K
///   the rest                        the mix's own type
// clang-format on
std::vector<PlannedType> plan_types(Mix mix, const ModelConfig& config, bool with_importance = false);

/// A type for every tensor, whoever chose them.
struct TypePlan {
  std::vector<PlannedType> types;  ///< one per tensor_specs
  uint32_t file_type = 0;          ///< general.file_type
};

}  // namespace adder
