// libFuzzer: any bytes as a safetensors file, and so as JSON. Whatever is accepted must be readable to the last byte.
#include <cstdint>

#include "core/base/check.h"
#include "core/formats/json.h"
#include "core/formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adder;
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const auto file = Safetensors::parse({bytes, size}, "fuzz.safetensors");
  if (!file) {
    CHECK(file.error().message().size() < 1000);
    // Few mutations keep the length field right: the bytes alone are tried as the JSON of a header.
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto strict = parse_json(text, "fuzz.json"), python = parse_json(text, "fuzz.json", JsonNumbers::kPython);
    CHECK(!strict || (python && *python == *strict));
    return 0;
  }
  volatile uint8_t sink = 0;  // makes the reads happen
  for (const NamedTensor& tensor : file->tensors()) {
    CHECK(file->find_tensor(tensor.name) == &tensor.view);
    for (const std::byte byte : tensor.view.span()) sink = sink ^ std::to_integer<uint8_t>(byte);
  }
  return 0;
}
