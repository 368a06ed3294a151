#pragma once

#include <cstdint>
#include <cstring>
#include <string>

namespace adder::testing {

/// The length field with which a safetensors file begins.
inline std::string safetensors_length(uint64_t n) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &n, 8);
  return bytes;
}

/// A file with this header, padded so that the data is aligned, and `n` bytes of data.
inline std::string safetensors_file(std::string header, size_t n) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return safetensors_length(header.size()) + header + std::string(n, '\1');
}

}  // namespace adder::testing
