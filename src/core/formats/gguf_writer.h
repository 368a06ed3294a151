#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/formats/gguf.h"

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

  /// `shape` in adder's order (slowest first), rank 1 to 4, rows of whole blocks.
  void add_tensor(std::string name, DType dtype, const Shape& shape);

  Status begin(const std::filesystem::path& path);
  Status write_tensor(std::span<const std::byte> bytes);
  Status finish();

 private:
  struct Pending {
    std::string name;
    TensorView view;  // no data: dtype, shape and sizes
  };
  uint64_t alignment() const;
  std::string header() const;
  Status pad();

  std::vector<GgufEntry> metadata_;
  std::vector<Pending> tensors_;
  size_t next_ = 0;
  std::optional<AtomicFile> file_;  ///< empty before begin
};

}  // namespace adder
