#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/base/mapped_file.h"
#include "core/tensor/tensor.h"

namespace adder {

/// One safetensors file (https://github.com/huggingface/safetensors#format), mapped and checked when opened: header
/// length bounded by the file, offsets inside the data, sizes equal to dtype x shape, no overlap, no hole, names once.
class Safetensors {
 public:
  static Result<Safetensors> open(const std::filesystem::path& path);
  static Result<Safetensors> parse(std::span<const std::byte> bytes, std::string name);

  const std::string& path() const { return path_; }
  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  const TensorView* find_tensor(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  MappedFile file_;
  std::string path_;
  std::vector<NamedTensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Streams a safetensors file: header first (tensors in the order added), then data. Same use as GgufWriter.
class SafetensorsWriter {
 public:
  void set_metadata(std::string key, std::string value) { metadata_[std::move(key)] = std::move(value); }
  void add_tensor(std::string name, DType dtype, const Shape& shape);
  Status begin(const std::filesystem::path& path);
  Status write_tensor(std::span<const std::byte> bytes);
  Status finish();

 private:
  std::map<std::string, std::string> metadata_;
  struct Pending {
    std::string name;
    DType dtype;
    Shape shape;
  };
  std::vector<Pending> tensors_;
  size_t next_ = 0;
  std::vector<AtomicFile> file_;
};

}  // namespace adder
