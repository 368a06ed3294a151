#pragma once

#include <filesystem>
#include <variant>

#include "core/formats/gguf.h"
#include "core/formats/hf_directory.h"

namespace adder {

/// A model as somebody stored it, whichever layout that is. Opened once, shared by config, weights and tokenizer.
class ModelFile {
 public:
  /// A *.gguf file (by magic, not by suffix), a Hugging Face directory, or a file inside one.
  static Result<ModelFile> open(const std::filesystem::path& path);

  const Gguf* gguf() const { return std::get_if<Gguf>(&layout_); }
  const HfDirectory* hf() const { return std::get_if<HfDirectory>(&layout_); }

  std::string path() const;
  const std::vector<NamedTensor>& tensors() const;
  const TensorView* find_tensor(std::string_view name) const;

  size_t mapped_bytes() const;                                ///< of the files the weights lie in
  void release_pages(std::span<const std::byte> part) const;  ///< see MappedFile
  size_t text_bytes() const;  ///< of what has been read beside the weights: metadata, vocabulary, JSON files

 private:
  explicit ModelFile(std::variant<Gguf, HfDirectory> layout) : layout_(std::move(layout)) {}
  std::variant<Gguf, HfDirectory> layout_;
};

}  // namespace adder
