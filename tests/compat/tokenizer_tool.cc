// Prints the tokenizer.json of a GGUF file's tokenizer, for tokenizer.py.
#include <fmt/format.h>

#include <cstdio>

#include "core/text/tokenizer_io.h"

int main(int argc, char** argv) {
  using namespace adder;
  if (argc != 2) {
    fmt::print(stderr, "usage: {} FILE.gguf\n", argv[0]);
    return 2;
  }
  const auto json = [&]() -> Result<nlohmann::json> {
    TRY_ASSIGN(const Gguf file, Gguf::open(argv[1]));
    TRY_ASSIGN(const TokenizerData data, tokenizer_from_gguf(file));
    return to_tokenizer_json(data);
  }();
  if (!json) {
    fmt::print(stderr, "{}: {}\n", argv[1], json.error().message());
    return 1;
  }
  fmt::print("{}\n", json->dump());
}
