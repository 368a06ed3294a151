#include "make/quantize/record_divergence.h"

#include <algorithm>

#include "core/formats/gguf_writer.h"

namespace adder {

Status record_divergence(const std::filesystem::path& path, const ReceiptDivergence& divergence) {
  TRY_ASSIGN(const ModelFile model, ModelFile::open(path));
  TRY_ASSIGN(std::optional<Receipt> receipt, read_receipt(model));
  const Gguf* const file = model.gguf();
  if (!receipt || !file) return Error::usage("{}: no GGUF file with a receipt", path.string());
  if (!file->more().empty()) return Error::usage("{}: split over several files", path.string());
  receipt->divergence = divergence;

  GgufWriter writer;
  writer.seal();
  for (const GgufEntry& entry : file->metadata())
    if (!is_of_one_file(entry.key)) writer.set(entry);
  for (GgufEntry& entry : gguf_entries(*receipt)) writer.set(std::move(entry));
  for (const NamedTensor& tensor : file->tensors())
    writer.add_tensor(tensor.name, tensor.view.dtype, tensor.view.shape);
  TRY(writer.begin(path));
  for (const NamedTensor& tensor : file->tensors()) {
    TRY(writer.write_tensor(tensor.view.span()));
    file->release_pages(tensor.view.span());
  }
  return writer.finish();
}

}  // namespace adder
