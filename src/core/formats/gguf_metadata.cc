#include "core/formats/gguf_metadata.h"

#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>

#include "core/base/utf8.h"
#include "core/formats/gguf_type.h"
#include "core/formats/names.h"

namespace adder {
namespace {

constexpr size_t kMaxKeyBytes = 65535;  // the format's own limit
constexpr uint64_t kMaxArrayElements = uint64_t{1} << 24;

template <class T, class Wide>
Result<GgufValue> read_scalar(ByteReader& in) {
  TRY_ASSIGN(const T value, in.read<T>("the value"));
  return GgufValue(static_cast<Wide>(value));
}

Result<bool> to_bool(uint8_t byte) {
  if (byte > 1) return Error::corrupt("a bool is 0 or 1, found {}", byte);
  return byte == 1;
}

/// Elements of type T, widened. Takes all bytes at once: the count is already known to fit.
template <class T, class Wide>
Result<GgufValue> read_array(ByteReader& in, uint64_t count) {
  TRY_ASSIGN(const auto raw, in.take(count * sizeof(T), "the array"));
  std::vector<Wide> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, raw.data() + i * sizeof(T), sizeof value);
    if constexpr (std::is_same_v<T, uint64_t>) {
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return Error::unsupported("element {} is {}, arrays of u64 hold at most 2^63-1 here", i, value);
    }
    values[i] = static_cast<Wide>(value);
  }
  return GgufValue(std::move(values));
}

Result<GgufValue> read_bools(ByteReader& in, uint64_t count) {
  TRY_ASSIGN(const auto raw, in.take(count, "the array"));
  std::vector<bool> values(raw.size());
  for (size_t i = 0; i < values.size(); ++i) {
    TRY_ASSIGN(values[i], to_bool(std::to_integer<uint8_t>(raw[i])));
  }
  return GgufValue(std::move(values));
}

Result<GgufValue> read_texts(ByteReader& in, uint64_t count) {
  std::vector<std::string> values;
  values.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    TRY_ASSIGN(const std::string_view text, in.text("an element"));
    values.emplace_back(text);
  }
  return GgufValue(std::move(values));
}

Result<GgufType> read_type(ByteReader& in, std::string_view what) {
  TRY_ASSIGN(const uint32_t type, in.read<uint32_t>(what));
  if (type >= kGgufTypes) return Error::corrupt("{} {} is unknown, expected 0 to {}", what, type, kGgufTypes - 1);
  return static_cast<GgufType>(type);
}

Result<GgufValue> read_value(ByteReader& in, GgufType type) {
  switch (type) {
    case GgufType::kU8:
      return read_scalar<uint8_t, uint64_t>(in);
    case GgufType::kI8:
      return read_scalar<int8_t, int64_t>(in);
    case GgufType::kU16:
      return read_scalar<uint16_t, uint64_t>(in);
    case GgufType::kI16:
      return read_scalar<int16_t, int64_t>(in);
    case GgufType::kU32:
      return read_scalar<uint32_t, uint64_t>(in);
    case GgufType::kI32:
      return read_scalar<int32_t, int64_t>(in);
    case GgufType::kU64:
      return read_scalar<uint64_t, uint64_t>(in);
    case GgufType::kI64:
      return read_scalar<int64_t, int64_t>(in);
    case GgufType::kF32:
      return read_scalar<float, double>(in);
    case GgufType::kF64:
      return read_scalar<double, double>(in);
    case GgufType::kBool: {
      TRY_ASSIGN(const auto byte, in.read<uint8_t>("the value"));
      TRY_ASSIGN(const bool value, to_bool(byte));
      return GgufValue(value);
    }
    case GgufType::kText: {
      TRY_ASSIGN(const std::string_view text, in.text("the value"));
      return GgufValue(std::string(text));
    }
    case GgufType::kArray:
      break;
  }
  return Error::unsupported("an array of arrays, expected an array of numbers, bools or texts");
}

Result<GgufValue> read_elements(ByteReader& in, GgufType type, uint64_t count) {
  switch (type) {
    case GgufType::kU8:
      return read_array<uint8_t, int64_t>(in, count);
    case GgufType::kI8:
      return read_array<int8_t, int64_t>(in, count);
    case GgufType::kU16:
      return read_array<uint16_t, int64_t>(in, count);
    case GgufType::kI16:
      return read_array<int16_t, int64_t>(in, count);
    case GgufType::kU32:
      return read_array<uint32_t, int64_t>(in, count);
    case GgufType::kI32:
      return read_array<int32_t, int64_t>(in, count);
    case GgufType::kU64:
      return read_array<uint64_t, int64_t>(in, count);
    case GgufType::kI64:
      return read_array<int64_t, int64_t>(in, count);
    case GgufType::kF32:
      return read_array<float, double>(in, count);
    case GgufType::kF64:
      return read_array<double, double>(in, count);
    case GgufType::kBool:
      return read_bools(in, count);
    case GgufType::kText:
      return read_texts(in, count);
    case GgufType::kArray:
      break;
  }
  return Error::unsupported("an array of arrays, expected an array of numbers, bools or texts");
}

/// What follows the key: type and value, or array header and elements.
Status read_typed_value(ByteReader& in, GgufEntry& entry) {
  TRY_ASSIGN(GgufType type, read_type(in, "value type"));
  entry.is_array = type == GgufType::kArray;
  if (!entry.is_array) {
    entry.type = static_cast<uint32_t>(type);
    TRY_ASSIGN(entry.value, read_value(in, type));
    return {};
  }
  TRY_ASSIGN(type, read_type(in, "element type"));
  TRY_ASSIGN(const uint64_t count, in.read<uint64_t>("the element count"));
  TRY(in.expect_room(count, gguf_min_bytes(type), "array elements"));
  if (count > kMaxArrayElements)
    return Error::too_large("an array of {} elements, at most {} expected", count, kMaxArrayElements);
  entry.type = static_cast<uint32_t>(type);
  TRY_ASSIGN(entry.value, read_elements(in, type, count));
  return {};
}

Result<std::string> read_key(ByteReader& in) {
  TRY_ASSIGN(const std::string_view key, in.text("a metadata key"));
  if (key.empty() || key.size() > kMaxKeyBytes)
    return Error::corrupt("a metadata key of {} bytes, expected 1 to {}", key.size(), kMaxKeyBytes);
  if (!is_utf8(key)) return Error::corrupt("metadata key {} is not UTF-8", quote(key));
  return std::string(key);
}

}  // namespace

Result<std::vector<GgufEntry>> read_gguf_metadata(ByteReader& in, uint64_t count) {
  constexpr size_t kMinEntryBytes = sizeof(uint64_t) + 1 + sizeof(uint32_t) + 1;  // one-letter key, one-byte value
  TRY(in.expect_room(count, kMinEntryBytes, "metadata entries"));
  std::vector<GgufEntry> entries;
  std::unordered_set<std::string> keys;
  for (uint64_t i = 0; i < count; ++i) {
    GgufEntry entry;
    TRY_ASSIGN(entry.key, read_key(in));
    if (!keys.insert(entry.key).second) return Error::corrupt("metadata key {} is there twice", quote(entry.key));
    if (auto status = read_typed_value(in, entry); !status)
      return std::move(status).error().in(fmt::format("metadata key {}", quote(entry.key)));
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace adder
