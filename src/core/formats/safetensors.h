#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/base/mapped_file.h"
#include "core/formats/tensor_stream.h"
#include "core/tensor/tensor.h"

namespace adder {

/// One safetensors file (https://github.com/huggingface/safetensors#format), mapped and checked when opened:
///     u64 n | n bytes of JSON {name: {"dtype", "shape", "data_offsets": [begin, end)}}, maybe space-padded | data
/// Header at most 100 MB and inside the file; sizes equal to dtype x shape; the tensors fill the data section without
/// overlap, hole or rest; names once; offsets aligned to the element (the format leaves that to the writer; the
/// usual ones align, and numbers are read in place). kUnsupported: dtypes that are not in dtype.cc, more than 4 dims,
/// unaligned data. All else that is wrong is kCorrupt.
class Safetensors {
 public:
  static Result<Safetensors> open(const std::filesystem::path& path);
  /// For tests and fuzzing: the bytes must outlive the result; `name` stands for the path in messages.
  static Result<Safetensors> parse(std::span<const std::byte> bytes, std::string name);

  const std::string& path() const { return path_; }
  /// In the order of their data; a tensor with a dim of 0 has no bytes.
  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  const TensorView* find_tensor(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  size_t file_bytes() const { return file_bytes_; }
  /// Length and JSON: all bytes before the data.
  std::span<const std::byte> header() const { return header_; }
  void release_pages(std::span<const std::byte> part) const { file_.release_pages(part); }

 private:
  Status read(std::span<const std::byte> bytes);

  MappedFile file_;
  std::string path_;
  std::vector<NamedTensor> tensors_;
  std::map<std::string, std::string> metadata_;
  size_t file_bytes_ = 0;
  std::span<const std::byte> header_;
};

/// Streams a safetensors file: header first (tensors in the order added), then data. Same use and same errors as
/// GgufWriter. Add wide dtypes before narrow ones of odd sizes: unaligned data is refused by `begin` (kUnsupported).
class SafetensorsWriter {
 public:
  void set_metadata(std::string key, std::string value) { metadata_[std::move(key)] = std::move(value); }
  void add_tensor(std::string name, DType dtype, const Shape& shape);

  Status begin(const std::filesystem::path& path);
  Status write_tensor(std::span<const std::byte> bytes);
  /// The same in pieces: the next bytes of the tensor at work, which ends when all its bytes are there.
  Status write_part(std::span<const std::byte> bytes);
  Status finish();

  const TensorStream& stream() const { return stream_; }
  /// XXH3-128 of all bytes before the data; known after `begin`.
  const std::string& header_hash() const { return header_hash_; }

 private:
  Result<std::string> header() const;

  std::map<std::string, std::string> metadata_;
  TensorStream stream_;
  std::string header_hash_;
  std::optional<AtomicFile> file_;  ///< empty before begin
};

}  // namespace adder
