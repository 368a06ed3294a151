// Drives the readers and writers for the judge script: `formats_tool IN OUT` opens a GGUF file, a safetensors file or a
// Hugging Face directory and writes all it holds to OUT: *.gguf, *.safetensors, or else a Hugging Face directory.
#include <filesystem>

#include "core/formats/gguf_writer.h"
#include "core/formats/hf_writer.h"
#include "core/formats/model_file.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

struct Source {
  std::vector<GgufEntry> entries;               // of a GGUF file
  std::map<std::string, std::string> metadata;  // of a safetensors file
  HfFiles files;                                // of a directory
  std::vector<NamedTensor> tensors;
};

template <class Writer>
Status write_tensors(Writer& writer, const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& tensor : tensors) TRY(writer.write_tensor(tensor.view.span()));
  return {};
}

Status write(const Source& source, const fs::path& out) {
  if (out.extension() == ".gguf") {
    GgufWriter writer;
    for (const GgufEntry& entry : source.entries) writer.set(entry);
    for (const auto& [name, view] : source.tensors) writer.add_tensor(name, view.dtype, view.shape);
    TRY(writer.begin(out));
    TRY(write_tensors(writer, source.tensors));
    return writer.finish();
  }
  if (out.extension() == ".safetensors") {
    SafetensorsWriter writer;
    for (const auto& [key, value] : source.metadata) writer.set_metadata(key, value);
    for (const auto& [name, view] : source.tensors) writer.add_tensor(name, view.dtype, view.shape);
    TRY(writer.begin(out));
    TRY(write_tensors(writer, source.tensors));
    return writer.finish();
  }
  HfWriter writer;
  for (const auto& [name, view] : source.tensors) writer.weights().add_tensor(name, view.dtype, view.shape);
  TRY(writer.begin(out, source.files));
  TRY(write_tensors(writer.weights(), source.tensors));
  return writer.finish();
}

Status copy(const fs::path& in, const fs::path& out) {
  if (in.extension() == ".safetensors") {
    TRY_ASSIGN(const auto file, Safetensors::open(in));
    return write({.metadata = file.metadata(), .tensors = file.tensors()}, out);
  }
  TRY_ASSIGN(const auto file, ModelFile::open(in));
  if (const Gguf* gguf = file.gguf()) return write({.entries = gguf->metadata(), .tensors = gguf->tensors()}, out);
  const HfDirectory& hf = *file.hf();
  return write(
      {.files = {hf.config(), hf.tokenizer(), hf.tokenizer_config(), hf.generation_config(), hf.chat_template()},
       .tensors = hf.tensors()},
      out);
}

}  // namespace
}  // namespace adder

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: formats_tool IN OUT\n");
    return 2;
  }
  const auto status = adder::copy(argv[1], argv[2]);
  if (!status) fmt::print(stderr, "{}\n", status.error().message());
  return status ? 0 : 1;
}
