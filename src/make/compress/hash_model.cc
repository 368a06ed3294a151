#include "make/compress/hash_model.h"

#include "core/arch/receipt.h"
#include "core/base/hash.h"

namespace adder {

Result<std::string> hash_model(const BoundModel& model, const std::function<Status(uint64_t bytes)>& read) {
  ModelHash hash(model.config);
  for (const BoundTensor& tensor : model.tensors) {
    hash.add(tensor.spec, tensor.view.dtype, hash128_hex(tensor.view.span()));
    model.file->release_pages(tensor.view.span());
    TRY(read(tensor.view.bytes()));
  }
  return hash.hex();
}

}  // namespace adder
