#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/base/result.h"

namespace adder {

static_assert(std::endian::native == std::endian::little, "the file formats are little-endian and read in place");

/// A cursor over bytes that somebody else wrote: every step is checked against what is left. `what` names the field
/// in the error, which also says at which byte it was expected.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t offset() const { return offset_; }
  size_t remaining() const { return bytes_.size() - offset_; }

  Result<std::span<const std::byte>> take(uint64_t n, std::string_view what) {
    if (n > remaining())
      return Error::corrupt("truncated: {} takes {} bytes at byte {}, {} are left", what, n, offset_, remaining());
    const auto taken = bytes_.subspan(offset_, static_cast<size_t>(n));
    offset_ += taken.size();
    return taken;
  }

  /// A little-endian number.
  template <class T>
  Result<T> read(std::string_view what) {
    TRY_ASSIGN(const auto raw, take(sizeof(T), what));
    T value;
    std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }

  /// A GGUF string: u64 length, then the bytes, of which the result is a view.
  Result<std::string_view> text(std::string_view what) {
    TRY_ASSIGN(const uint64_t length, read<uint64_t>(what));
    TRY_ASSIGN(const auto raw, take(length, what));
    return std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size());
  }

  /// Refuses a count of things that take `min_bytes` each and so cannot all be in the bytes that are left. Passing
  /// this bounds what may be allocated for them.
  Status expect_room(uint64_t count, size_t min_bytes, std::string_view what) const {
    if (count > remaining() / min_bytes)
      return Error::corrupt("{} {} announced, but the {} bytes left after byte {} hold at most {}", count, what,
                            remaining(), offset_, remaining() / min_bytes);
    return {};
  }

 private:
  std::span<const std::byte> bytes_;
  size_t offset_ = 0;
};

}  // namespace adder
