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
///
/// A model split over several files (gguf_split.h) is opened by the first and then is one: all tensors, the first
/// file's metadata. A file that is missing (kNotFound), of another split, or has a tensor that an earlier one has
/// (kCorrupt) is refused by name, and so is one that is not the first (kUsage).
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
  size_t file_bytes() const;  ///< of all files
  void release_pages(std::span<const std::byte> part) const;

  /// Of this file alone: its bytes, those before the data section, and the tensors that lie in it.
  std::span<const std::byte> bytes() const { return bytes_; }
  std::span<const std::byte> header() const { return bytes_.first(data_begin_); }
  std::span<const NamedTensor> own_tensors() const { return std::span(tensors_).first(n_own_tensors_); }
  /// The files of a split model after the first.
  const std::vector<Gguf>& more() const { return more_; }

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
  static Result<Gguf> open_one(const std::filesystem::path& path);
  Status read(std::span<const std::byte> bytes);
  Status join_split();
  Status join_file(const std::filesystem::path& path, size_t no);
  Result<const GgufEntry*> require(std::string_view key) const;
  Error wrong_type(const GgufEntry& entry, std::string_view expected) const;

  MappedFile file_;
  std::string path_;
  std::vector<GgufEntry> metadata_;
  std::vector<NamedTensor> tensors_;
  uint64_t alignment_ = 32;
  std::span<const std::byte> bytes_;
  size_t data_begin_ = 0, n_own_tensors_ = 0;
  std::vector<Gguf> more_;
};

}  // namespace adder
