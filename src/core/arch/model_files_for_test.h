#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/arch/config_gguf.h"
#include "core/arch/config_json.h"
#include "core/arch/roles.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/gguf_writer.h"
#include "core/formats/model_file.h"
#include "core/formats/safetensors.h"

namespace adder::test {

using testing::TempDir;

struct TensorLine {
  std::string name;
  DType dtype;
  Shape shape;
};

/// Everything a small file says, for a test to spoil before it is written. Tensor data is zero.
struct Draft {
  std::vector<GgufEntry> metadata;
  nlohmann::json config;
  std::vector<TensorLine> tensors;

  TensorLine& tensor(std::string_view name) {
    const auto found = std::ranges::find(tensors, name, &TensorLine::name);
    EXPECT_NE(found, tensors.end()) << name;
    return *found;
  }
  void remove(std::string_view name) {
    EXPECT_EQ(1u, std::erase_if(tensors, [&](const TensorLine& line) { return line.name == name; })) << name;
  }
  void set(GgufEntry entry) {
    const auto found = std::ranges::find(metadata, entry.key, &GgufEntry::key);
    EXPECT_NE(found, metadata.end()) << entry.key;
    *found = std::move(entry);
  }
  void unset(std::string_view key) {
    EXPECT_EQ(1u, std::erase_if(metadata, [&](const GgufEntry& entry) { return entry.key == key; })) << key;
  }
};

inline Draft gguf_draft(const ModelConfig& config) {
  Draft draft{gguf_metadata(config), {}, {}};
  for (const TensorSpec& spec : tensor_specs(config))
    draft.tensors.push_back({spec.gguf_name, DType::kF32, gguf_shape(spec, config)});
  return draft;
}

inline Draft hf_draft(const ModelConfig& config) {
  Draft draft{{}, config_json(config).value(), {}};
  for (const TensorSpec& spec : tensor_specs(config))
    draft.tensors.push_back({spec.hf_name, DType::kBF16, hf_shape(spec, config)});
  return draft;
}

template <class Writer>
void write_zeros(Writer& writer, const Draft& draft, const std::filesystem::path& path) {
  for (const TensorLine& line : draft.tensors) writer.add_tensor(line.name, line.dtype, line.shape);
  ASSERT_TRUE(writer.begin(path));
  for (const TensorLine& line : draft.tensors)
    ASSERT_TRUE(writer.write_tensor(Tensor(line.dtype, line.shape).view().span()));
  ASSERT_TRUE(writer.finish());
}

inline Result<std::shared_ptr<const ModelFile>> open_shared(const std::filesystem::path& path) {
  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  return std::make_shared<const ModelFile>(std::move(file));
}

inline std::shared_ptr<const ModelFile> write_gguf(const TempDir& dir, const Draft& draft) {
  const auto path = dir / "model.gguf";
  GgufWriter writer;
  for (const GgufEntry& entry : draft.metadata) writer.set(entry);
  write_zeros(writer, draft, path);
  auto file = open_shared(path);
  EXPECT_TRUE(file) << file.error().message();
  return file.value_or(nullptr);
}

inline std::shared_ptr<const ModelFile> write_hf(const TempDir& dir, const Draft& draft) {
  EXPECT_TRUE(write_file(dir / "config.json", draft.config.dump()));
  SafetensorsWriter writer;
  write_zeros(writer, draft, dir / "model.safetensors");
  auto file = open_shared(dir.path());
  EXPECT_TRUE(file) << file.error().message();
  return file.value_or(nullptr);
}

}  // namespace adder::test
