// Drives the codec for the judge scripts: `codec_tool decode|encode TYPE` turns blocks on stdin into f32 on stdout, or
// f32 into blocks.
#include <fmt/format.h>

#include <cstring>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "core/quant/codec.h"

namespace adder {
namespace {

Result<std::vector<char>> convert(const std::string& verb, const std::string& type, const std::vector<char>& in) {
  const auto dtype = dtype_from_name(type);
  if (!dtype || !can_decode(*dtype)) return Error::usage("unknown type '{}'", type);
  const DTypeInfo& row = info(*dtype);
  if (verb == "decode") {
    if (in.size() % static_cast<size_t>(row.block_bytes) != 0) return Error::usage("not whole blocks of {}", type);
    std::vector<float> values(in.size() / static_cast<size_t>(row.block_bytes) * static_cast<size_t>(row.block_size));
    decode(*dtype, reinterpret_cast<const std::byte*>(in.data()), values);
    std::vector<char> out(values.size() * sizeof(float));
    std::memcpy(out.data(), values.data(), out.size());
    return out;
  }
  if (verb != "encode" || !can_encode(*dtype)) return Error::usage("cannot {} {}", verb, type);
  std::vector<float> values(in.size() / sizeof(float));
  if (values.size() % static_cast<size_t>(row.block_size) != 0) return Error::usage("not whole blocks of {}", type);
  std::memcpy(values.data(), in.data(), values.size() * sizeof(float));
  std::vector<char> out(storage_bytes(*dtype, static_cast<int64_t>(values.size())));
  TRY(encode(*dtype, values, {}, reinterpret_cast<std::byte*>(out.data())));
  return out;
}

}  // namespace
}  // namespace adder

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: codec_tool decode|encode TYPE\n");
    return 2;
  }
  const std::vector<char> in((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  const auto out = adder::convert(argv[1], argv[2], in);
  if (!out) {
    fmt::print(stderr, "{}\n", out.error().message());
    return 1;
  }
  std::cout.write(out->data(), static_cast<std::streamsize>(out->size()));
  return std::cout.flush() ? 0 : 1;
}
