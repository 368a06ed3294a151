#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/arch/receipt.h"

namespace adder {

struct VerifyReport {
  std::optional<Receipt> receipt;
  bool is_sealed = false;           ///< the file has hashes (seal.h), and they have been compared
  std::vector<std::string> damage;  ///< a line for everything wrong; tensors by name
  std::string not_checked;  ///< why names and shapes could not be compared with the config: a foreign architecture
  std::string model_hash;   ///< what a receipt of something made from this model calls it; empty with not_checked
  size_t tensors = 0;
  uint64_t bytes = 0;  ///< of tensor data
};

struct VerifyProgress {
  uint64_t bytes_done, bytes_total;
};

/// Reads a model whole and finds what is wrong with it: with a seal, any bit that is not as it was written; always, NaN
/// and infinities, and tensors that do not fit the config. Memory in use is that of the metadata and some MB.
///
/// Errors: what keeps the file from being opened at all (a flipped bit may do that too); what `progress` returns.
Result<VerifyReport> verify(const std::filesystem::path& path,
                            const std::function<Status(const VerifyProgress&)>& progress = {});

}  // namespace adder
