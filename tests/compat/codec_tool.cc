// Drives the codec for the judge scripts, from stdin to stdout:
//
//   codec_tool decode TYPE                         blocks to f32
//   codec_tool encode TYPE COLUMNS [IMPORTANCE]    rows of f32 to blocks; IMPORTANCE is a file of COLUMNS f32
//   codec_tool time TYPE COLUMNS [IMPORTANCE]      the same, but prints the CPU time of a weight in ns, best of three
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "core/quant/codec.h"

namespace adder {
namespace {

using Bytes = std::vector<char>;

Bytes read_all(std::istream& in) {
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<float> as_floats(const Bytes& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

Result<Bytes> decoded(DType dtype, const Bytes& in) {
  const DTypeInfo& row = info(dtype);
  if (in.size() % static_cast<size_t>(row.block_bytes) != 0) return Error::usage("not whole blocks of {}", row.name);
  std::vector<float> values(in.size() / static_cast<size_t>(row.block_bytes) * static_cast<size_t>(row.block_size));
  decode(dtype, reinterpret_cast<const std::byte*>(in.data()), values);
  Bytes out(values.size() * sizeof(float));
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

struct Rows {
  std::vector<float> values, importance;
  size_t columns;
};

Result<Bytes> encoded(DType dtype, const Rows& rows) {
  Bytes out(storage_bytes(dtype, static_cast<int64_t>(rows.values.size())));
  const size_t row_bytes = storage_bytes(dtype, static_cast<int64_t>(rows.columns));
  for (size_t r = 0; r * rows.columns < rows.values.size(); ++r)
    TRY(encode(dtype, std::span(rows.values).subspan(r * rows.columns, rows.columns), rows.importance,
               reinterpret_cast<std::byte*>(&out[r * row_bytes])));
  return out;
}

Result<Bytes> timed(DType dtype, const Rows& rows) {
  double best = std::numeric_limits<double>::infinity();
  for (int trial = 0; trial < 3; ++trial) {
    const std::clock_t begin = std::clock();
    TRY(encoded(dtype, rows));
    best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  const std::string text = fmt::format("{}\n", best * 1e9 / static_cast<double>(rows.values.size()));
  return Bytes(text.begin(), text.end());
}

Result<Bytes> convert(const std::vector<std::string>& args, const Bytes& in) {
  if (args.size() < 2) return Error::usage("codec_tool decode|encode|time TYPE [COLUMNS [IMPORTANCE]]");
  const auto dtype = dtype_from_name(args[1]);
  if (!dtype || !can_decode(*dtype)) return Error::usage("unknown type '{}'", args[1]);
  if (args[0] == "decode") return decoded(*dtype, in);
  if (args.size() < 3) return Error::usage("{} needs the number of columns", args[0]);
  Rows rows{as_floats(in), {}, std::stoul(args[2])};
  if (rows.columns == 0 || rows.columns % static_cast<size_t>(info(*dtype).block_size) != 0 ||
      rows.values.size() % rows.columns != 0)
    return Error::usage("{} values are no rows of {} columns of {}", rows.values.size(), rows.columns, args[1]);
  if (args.size() > 3) {
    std::ifstream file(args[3], std::ios::binary);
    rows.importance = as_floats(read_all(file));
    if (rows.importance.size() != rows.columns) return Error::usage("{}: not {} values", args[3], rows.columns);
  }
  return args[0] == "time" ? timed(*dtype, rows) : encoded(*dtype, rows);
}

}  // namespace
}  // namespace adder

int main(int argc, char** argv) {
  const auto out = adder::convert({argv + 1, argv + argc}, adder::read_all(std::cin));
  if (!out) {
    fmt::print(stderr, "{}\n", out.error().message());
    return 1;
  }
  std::cout.write(out->data(), static_cast<std::streamsize>(out->size()));
  return std::cout.flush() ? 0 : 1;
}
