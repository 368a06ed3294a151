#include "core/formats/model_file.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "core/base/mapped_file.h"
#include "core/formats/gguf_type.h"
#include "core/formats/names.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// Files by which people point at the directory they lie in.
bool belongs_to_hf_directory(const fs::path& path) {
  return path.extension() == ".safetensors" || path.extension() == ".json";
}

/// torch.save writes a zip archive, before version 1.6 a bare pickle of protocol 2.
bool is_pytorch(std::string_view head) {
  return head.starts_with("PK\x03\x04") || head.starts_with("\x80\x02");
}

}  // namespace

Result<ModelFile> ModelFile::open(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    TRY_ASSIGN(auto hf, HfDirectory::open(path));
    return ModelFile(std::move(hf));
  }
  std::string head;
  {
    TRY_ASSIGN(const auto file, MappedFile::open(path));
    const auto bytes = file.bytes().first(std::min<size_t>(file.bytes().size(), 16));
    head.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  if (head.starts_with(kGgufMagic)) {
    TRY_ASSIGN(auto gguf, Gguf::open(path));
    return ModelFile(std::move(gguf));
  }
  if (head.empty()) return Error::corrupt("{}: an empty file, expected a model", path.string());
  if (is_pytorch(head))
    return Error::unsupported("{}: a PyTorch checkpoint; pickles are not read, expected safetensors or GGUF",
                              path.string());
  if (belongs_to_hf_directory(path)) {
    TRY_ASSIGN(auto hf, HfDirectory::open(path.has_parent_path() ? path.parent_path() : fs::path(".")));
    return ModelFile(std::move(hf));
  }
  return Error::corrupt("{}: not a model: begins with {}, expected a GGUF file or a Hugging Face directory",
                        path.string(), quote(head));
}

std::string ModelFile::path() const {
  return gguf() ? gguf()->path() : hf()->path().string();
}

const std::vector<NamedTensor>& ModelFile::tensors() const {
  return gguf() ? gguf()->tensors() : hf()->tensors();
}

const TensorView* ModelFile::find_tensor(std::string_view name) const {
  return gguf() ? gguf()->find_tensor(name) : hf()->find_tensor(name);
}

size_t ModelFile::mapped_bytes() const {
  return gguf() ? gguf()->file_bytes() : hf()->weight_file_bytes();
}

void ModelFile::release_pages(std::span<const std::byte> part) const {
  gguf() ? gguf()->release_pages(part) : hf()->release_pages(part);
}

size_t ModelFile::text_bytes() const {
  if (!gguf()) return hf()->text_file_bytes();
  size_t bytes = gguf()->file_bytes();
  for (const NamedTensor& tensor : tensors()) bytes -= tensor.view.bytes();
  return bytes;
}

}  // namespace adder
