#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace adder::testing {

/// GGUF bytes put together by hand, right or wrong: nothing is checked, nothing is counted.
///
///     GgufBytes()
///         .header(1, 1)
///         .text_entry("general.architecture", "nemotron_h")
///         .tensor("a", {4}, 0, 0)
///         .pad(32)
///         .zeros(16)
class GgufBytes {
 public:
  template <class T>
  GgufBytes& number(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof value);
    bytes_.append(raw, sizeof raw);
    return *this;
  }
  GgufBytes& u32(uint32_t value) { return number(value); }
  GgufBytes& u64(uint64_t value) { return number(value); }
  GgufBytes& raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  GgufBytes& zeros(size_t n) {
    bytes_.append(n, '\0');
    return *this;
  }
  GgufBytes& pad(size_t alignment) { return zeros((alignment - bytes_.size() % alignment) % alignment); }
  GgufBytes& text(std::string_view value) { return u64(value.size()).raw(value); }

  GgufBytes& header(uint64_t n_tensors, uint64_t n_entries, uint32_t version = 3) {
    return raw("GGUF").u32(version).u64(n_tensors).u64(n_entries);
  }
  /// The value follows.
  GgufBytes& key(std::string_view name, uint32_t type) { return text(name).u32(type); }
  template <class T>
  GgufBytes& entry(std::string_view name, uint32_t type, T value) {
    return key(name, type).number(value);
  }
  GgufBytes& u32_entry(std::string_view name, uint32_t value) { return entry(name, 4, value); }
  GgufBytes& text_entry(std::string_view name, std::string_view value) { return key(name, 8).text(value); }
  /// The elements follow.
  GgufBytes& array(std::string_view name, uint32_t element_type, uint64_t count) {
    return key(name, 9).u32(element_type).u64(count);
  }
  /// `dims` as in the file: fastest first.
  GgufBytes& tensor(std::string_view name, std::initializer_list<uint64_t> dims, uint32_t type, uint64_t offset) {
    text(name).u32(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) u64(dim);
    return u32(type).u64(offset);
  }

  const std::string& str() const { return bytes_; }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::string bytes_;
};

}  // namespace adder::testing
