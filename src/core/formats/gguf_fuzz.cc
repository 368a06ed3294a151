// libFuzzer: any bytes as a GGUF file. Whatever is accepted must be readable to the last byte.
#include <cstdint>

#include "core/base/check.h"
#include "core/formats/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adder;
  const auto gguf = Gguf::parse({reinterpret_cast<const std::byte*>(data), size}, "fuzz.gguf");
  if (!gguf) {
    CHECK(gguf.error().message().size() < 1000);
    return 0;
  }
  volatile uint8_t sink = 0;  // makes the reads happen
  for (const NamedTensor& tensor : gguf->tensors()) {
    CHECK(gguf->find_tensor(tensor.name) == &tensor.view);
    for (const std::byte byte : tensor.view.span()) sink = sink ^ std::to_integer<uint8_t>(byte);
  }
  for (const GgufEntry& entry : gguf->metadata()) {
    CHECK(gguf->find(entry.key) == &entry);
    (void)gguf->integer(entry.key);
    (void)gguf->number(entry.key);
    (void)gguf->boolean(entry.key);
    (void)gguf->text(entry.key);
    (void)gguf->texts(entry.key);
    (void)gguf->integers(entry.key);
    (void)gguf->integers_per_layer(entry.key, gguf->integer(entry.key).value_or(3));
  }
  return 0;
}
