#pragma once

#include <functional>
#include <vector>

#include "make/calib/imatrix.h"
#include "make/eval/windows.h"

namespace adder {

/// Exact zeros in the inputs of one matrix: activations that a product could skip, if it skips in such groups.
struct ZeroShares {
  TensorSpec spec;
  int64_t elements = 0;
  int64_t zeros = 0;        ///< elements
  int64_t zeros_in_4 = 0;   ///< elements of groups of 4 neighbours that are all zero
  int64_t zeros_in_32 = 0;  ///< the same of 32, the block of the integer products

  double share() const { return part(zeros); }
  double share_in_4() const { return part(zeros_in_4); }
  double share_in_32() const { return part(zeros_in_32); }

 private:
  double part(int64_t n) const { return elements == 0 ? 0 : static_cast<double>(n) / static_cast<double>(elements); }
};

struct GatherOptions {
  std::vector<std::string> datasets;  ///< noted in the result, as is
  int64_t window = 0;                 ///< the length of the windows
  /// Also how inputs vary together, in squares of so many columns (gram.h): a multiple of 256, 0 for not at all. Takes
  /// 4 bytes x columns of the matrix x the smaller of these two, of all matrices together, and time for as many
  /// multiplications a token.
  int64_t gram_columns = 0;
  int threads = 1;  ///< to multiply them
  std::function<Status(double done)> progress = {};
};

struct Calibration {
  Imatrix imatrix;
  std::vector<ZeroShares> zeros;  ///< in the order of `tensor_specs`
};

/// Runs `engine` over every position of the windows and gathers the inputs of all matrix products, the output matrix's
/// included; only the embedding, which multiplies nothing, has none. Inputs are seen before the engine rounds them.
/// Errors: those of `Forward::run`; an input that is no finite number (kCorrupt); no memory for the squares
/// (kTooLarge).
Result<Calibration> gather(Engine& engine, std::span<const Window> windows, const GatherOptions& options);

}  // namespace adder
