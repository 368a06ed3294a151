#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/arch/roles.h"
#include "core/base/result.h"
#include "make/calib/gram.h"

namespace adder {

/// How large the inputs of a model's matrix products are, column by column: what llama.cpp calls an importance matrix.
/// A weight that meets large inputs must be rounded with more care.
///
/// The file is GGUF (llama.cpp, tools/imatrix): `general.type` = "imatrix", the texts it was gathered on as
/// `imatrix.datasets`, `imatrix.chunk_count` windows of `imatrix.chunk_size` tokens, and for every matrix NAME two F32
/// tensors: `NAME.in_sum2` [matrices, columns], sums of squares, and `NAME.counts` [matrices, 1], of so many rows of
/// input. All matrices of adder's architectures are single ones; files of others may stack several under a name.
/// Of single ones there may be `NAME.gram` [columns, block] beside them, sums of products as in gram.h, which llama.cpp
/// passes over.
class Imatrix {
 public:
  struct Entry {
    std::vector<float> sums;    ///< [matrices, columns]
    std::vector<float> counts;  ///< [matrices]
    bool operator==(const Entry&) const = default;
  };

  std::vector<std::string> datasets;
  uint32_t chunk_count = 0, chunk_size = 0;
  std::map<std::string, Entry> entries;  ///< by the matrix's name in GGUF
  std::map<std::string, Gram> grams;     ///< of some or all entries

  /// Errors: those of the file; one that is no importance matrix (kUnsupported); halves of a pair, wrong shapes and
  /// types, numbers that are negative, those of
  /// `gram` excepted, or not finite (kCorrupt).
  static Result<Imatrix> read(const std::filesystem::path& path);
  Status write(const std::filesystem::path& path) const;

  /// Mean square of every input column, 1 where no input was seen; empty if the matrix is not there. A matrix of
  /// another width, or several under its name, are another model's: kUsage.
  Result<std::vector<float>> importance(const TensorSpec& spec) const;

  /// Tells two of them apart by what is in entries and grams.
  std::string fingerprint() const;
};

}  // namespace adder
