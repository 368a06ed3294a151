#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/mapped_file.h"
#include "core/base/result.h"
#include "core/tensor/tensor.h"

namespace adder {

/// A metadata value. Integers of every width are widened; arrays are homogeneous as the format demands.
using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string, std::vector<int64_t>, std::vector<double>,
                               std::vector<bool>, std::vector<std::string>>;

struct GgufEntry {
  std::string key;
  uint32_t type = 0;  ///< GGUF value type id (the element's, for an array)
  bool is_array = false;
  GgufValue value;
};

/// "u32", "array of text": for messages.
std::string describe_type(const GgufEntry& entry);

/// A GGUF v3 file (little-endian; https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), mapped and fully
/// checked when opened: every count, length and offset against the bytes that are there, before anything that size
/// is allocated; tensors inside the data section, aligned, not overlapping, named once. Nothing is copied but metadata.
/// Errors: bytes that break the format are kCorrupt; other versions, big-endian files, arrays of arrays and tensor
/// types without a codec are kUnsupported. Texts are the file's bytes, not checked for UTF-8; keys and names are.
class Gguf {
 public:
  static Result<Gguf> open(const std::filesystem::path& path);
  /// For tests and fuzzing: the bytes must outlive the result; `name` stands for the path in messages.
  static Result<Gguf> parse(std::span<const std::byte> bytes, std::string name);

  const std::string& path() const { return path_; }
  const std::vector<GgufEntry>& metadata() const { return metadata_; }
  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  const TensorView* find_tensor(std::string_view name) const;
  const GgufEntry* find(std::string_view key) const;
  uint64_t alignment() const { return alignment_; }
  size_t file_bytes() const { return file_bytes_; }
  void release_pages(std::span<const std::byte> part) const { file_.release_pages(part); }

  /// Typed access: absent -> kNotFound, other type or out of range -> kCorrupt; both name file and key. An integer may
  /// have any width and sign, a number may also be an integer.
  Result<int64_t> integer(std::string_view key) const;
  Result<double> number(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  Result<std::string> text(std::string_view key) const;
  Result<std::vector<std::string>> texts(std::string_view key) const;
  Result<std::vector<int64_t>> integers(std::string_view key) const;
  /// A scalar is taken as `n` equal values; an array must have exactly n.
  Result<std::vector<int64_t>> integers_per_layer(std::string_view key, int64_t n) const;

 private:
  Status read(std::span<const std::byte> bytes);
  Result<const GgufEntry*> require(std::string_view key) const;
  Error wrong_type(const GgufEntry& entry, std::string_view expected) const;

  MappedFile file_;
  std::string path_;
  std::vector<GgufEntry> metadata_;
  std::vector<NamedTensor> tensors_;
  uint64_t alignment_ = 32;
  size_t file_bytes_ = 0;
};

}  // namespace adder
