#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/formats/model_file.h"

namespace adder {

// What lets a reader find one flipped bit anywhere in a model: hashes (XXH3-128, 32 hex digits) of every tensor and of
// everything else.
//
// GGUF: two metadata keys. kTensorHashesKey lists the hash of each tensor of the file, in the order of its tensor list;
// kHeaderHashKey is the hash of all bytes before the data section, taken with 32 zeros in its own place. Bytes between
// and after tensors are zero. Each file of a split model has its own.
//
// Hugging Face directory: kSealFile, a JSON object with "files" {name: hash} of the texts and of the weight file's
// header (its bytes before the data), "tensors" {name: {"type", "hash"}}, and "seal", the hash of this file taken with
// 32 zeros in its place.
inline constexpr std::string_view kReceiptPrefix = "adder.receipt.";

/// Whether an entry tells of one file alone, its receipt or its place in a split, and is not carried over to another.
inline bool is_of_one_file(std::string_view key) {
  return key.starts_with(kReceiptPrefix) || key.starts_with("split.");
}
inline constexpr std::string_view kTensorHashesKey = "adder.receipt.tensor_hashes";
inline constexpr std::string_view kHeaderHashKey = "adder.receipt.header_hash";
/// The hash of config and tensors together (core/arch/receipt.h): the same in all files of a split model.
inline constexpr std::string_view kModelHashKey = "adder.receipt.model_hash";
inline constexpr std::string_view kSealFile = "adder-receipt.json";
inline constexpr std::string_view kBlankHash = "00000000000000000000000000000000";

/// Fills in kHeaderHashKey, which is blank in `header` (all bytes before the data section).
void seal_gguf_header(std::string& header);
/// Fills in "seal", which is blank in `text` (a kSealFile as it will be stored).
void seal_json(std::string& text);

/// A seal read, and all that it says of the texts and headers already looked at; the tensors are left to the caller.
struct Seal {
  std::vector<std::string> damage;  ///< one line for each part that is not as it was written
  std::unordered_map<std::string, std::string> tensor_hashes;
};

/// Nothing for a model without a seal. kCorrupt if there is half a seal, or one that is no seal.
Result<std::optional<Seal>> read_seal(const ModelFile& file);

}  // namespace adder
