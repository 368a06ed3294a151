#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/formats/gguf.h"
#include "core/formats/tensor_stream.h"

namespace adder {

/// Writes GGUF v3, one tensor in memory at a time: metadata and tensor list first, then the data in the order the
/// tensors were added, each padded to `general.alignment` (32 unless set). The file appears under its name only when
/// `finish` succeeds.
///
///     GgufWriter writer;
///     writer.set("general.architecture", "nemotron_h");
///     writer.add_tensor("output_norm.weight", DType::kF32, {3136});
///     TRY(writer.begin(path));
///     TRY(writer.write_tensor(bytes));      // once per add_tensor, same order, exact size
///     TRY(writer.finish());
///
/// Sealed (seal.h), the header's hashes are written last, when all bytes are known. Split (gguf_split.h), the files
/// appear one by one when all are whole, the first at the end: before it, nothing can be opened. They never replace
/// files, lest a reader meet some of the old and some of the new (kUsage).
///
/// Disk errors are Results. Calls out of order, sizes that are not the announced ones, names used twice, and types and
/// shapes that GGUF does not have are our own mistakes (CHECK).
class GgufWriter {
 public:
  // A key that is set again takes the new value and keeps its place.
  void set(std::string key, std::string value);
  void set(std::string key, const char* value) { set(std::move(key), std::string(value)); }
  void set(std::string key, bool value);
  void set_u32(std::string key, uint32_t value);
  void set_f32(std::string key, float value);
  void set_i32s(std::string key, const std::vector<int32_t>& values);
  void set_texts(std::string key, std::vector<std::string> values);
  /// An entry of another file as it is. Its value must hold what its type says, as every entry of a Gguf does.
  void set(GgufEntry entry);
  /// Another value for a key that is there, even after `begin`. It must take as many bytes as the one before.
  void replace(GgufEntry entry);

  /// Before `begin`: the file gets its hashes.
  void seal() { is_sealed_ = true; }
  /// Before `begin`: several files, each with as many tensors as fit `bytes` of data, at least one. A model that fits
  /// one file is written as one, under its plain name.
  void split(uint64_t bytes) { split_bytes_ = bytes; }

  /// `shape` in adder's order (slowest first), rank 1 to 4, rows of whole blocks.
  void add_tensor(std::string name, DType dtype, const Shape& shape);

  uint64_t alignment() const;  ///< of every tensor's data
  /// Where the data of the first tensor will begin, as things are set and added now, in one file.
  uint64_t header_bytes() const;

  Status begin(const std::filesystem::path& path);
  Status write_tensor(std::span<const std::byte> bytes);
  /// The same in pieces: the next bytes of the tensor at work, which ends when all its bytes are there.
  Status write_part(std::span<const std::byte> bytes);
  Status finish();

  const TensorStream& stream() const { return stream_; }
  /// The files there will be; known after `begin`.
  std::vector<std::filesystem::path> paths() const;

 private:
  /// One file and its share of the tensors.
  struct File {
    std::filesystem::path path;
    size_t begin = 0, end = 0;
    size_t header_bytes = 0;
    std::optional<AtomicFile> file = {};
  };
  std::vector<File> shares(const std::filesystem::path& path) const;
  std::vector<GgufEntry> own_entries(const File& file) const;
  std::string header(const File& file) const;
  File& file_at_work();
  Status pad(File& file);

  std::vector<GgufEntry> metadata_;
  TensorStream stream_;
  std::vector<File> files_;  ///< empty before begin
  bool is_sealed_ = false;
  uint64_t split_bytes_ = 0;
};

}  // namespace adder
