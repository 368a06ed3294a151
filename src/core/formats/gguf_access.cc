// Typed access to GGUF metadata: what a reader of a key expects, against what the file holds.
#include <limits>

#include "core/formats/gguf.h"
#include "core/formats/gguf_type.h"
#include "core/formats/names.h"

namespace adder {
namespace {

/// More layers than any model has; a scalar is never spread over more.
constexpr int64_t kMaxLayers = 1 << 16;

}  // namespace

std::string describe_type(const GgufEntry& entry) {
  return fmt::format("{}{}", entry.is_array ? "array of " : "", gguf_type_name(entry.type));
}

Result<const GgufEntry*> Gguf::require(std::string_view key) const {
  const GgufEntry* entry = find(key);
  if (entry == nullptr) return Error::not_found("{}: metadata key {} is missing", path_, quote(key));
  return entry;
}

Error Gguf::wrong_type(const GgufEntry& entry, std::string_view expected) const {
  return Error::corrupt("{}: metadata key {}: expected {}, found {}", path_, quote(entry.key), expected,
                        describe_type(entry));
}

Result<int64_t> Gguf::integer(std::string_view key) const {
  TRY_ASSIGN(const GgufEntry* entry, require(key));
  if (const auto* value = std::get_if<int64_t>(&entry->value)) return *value;
  const auto* value = std::get_if<uint64_t>(&entry->value);
  if (value == nullptr) return wrong_type(*entry, "an integer");
  if (*value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return Error::corrupt("{}: metadata key {}: {} does not fit 63 bits", path_, quote(key), *value);
  return static_cast<int64_t>(*value);
}

Result<double> Gguf::number(std::string_view key) const {
  TRY_ASSIGN(const GgufEntry* entry, require(key));
  if (const auto* value = std::get_if<double>(&entry->value)) return *value;
  if (const auto* value = std::get_if<int64_t>(&entry->value)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<uint64_t>(&entry->value)) return static_cast<double>(*value);
  return wrong_type(*entry, "a number");
}

Result<bool> Gguf::boolean(std::string_view key) const {
  TRY_ASSIGN(const GgufEntry* entry, require(key));
  if (const auto* value = std::get_if<bool>(&entry->value)) return *value;
  return wrong_type(*entry, "a bool");
}

Result<std::string> Gguf::text(std::string_view key) const {
  TRY_ASSIGN(const GgufEntry* entry, require(key));
  if (const auto* value = std::get_if<std::string>(&entry->value)) return *value;
  return wrong_type(*entry, "a text");
}

Result<std::vector<std::string>> Gguf::texts(std::string_view key) const {
  TRY_ASSIGN(const GgufEntry* entry, require(key));
  if (const auto* value = std::get_if<std::vector<std::string>>(&entry->value)) return *value;
  return wrong_type(*entry, "an array of texts");
}

Result<std::vector<int64_t>> Gguf::integers(std::string_view key) const {
  TRY_ASSIGN(const GgufEntry* entry, require(key));
  if (const auto* value = std::get_if<std::vector<int64_t>>(&entry->value)) return *value;
  return wrong_type(*entry, "an array of integers");
}

Result<std::vector<int64_t>> Gguf::integers_per_layer(std::string_view key, int64_t n) const {
  TRY_ASSIGN(const GgufEntry* entry, require(key));
  if (n < 0 || n > kMaxLayers)
    return Error::too_large("{}: metadata key {}: {} layers, expected 0 to {}", path_, quote(key), n, kMaxLayers);
  if (!entry->is_array) {
    TRY_ASSIGN(const int64_t value, integer(key));
    return std::vector<int64_t>(static_cast<size_t>(n), value);
  }
  TRY_ASSIGN(auto values, integers(key));
  if (values.size() != static_cast<size_t>(n))
    return Error::corrupt("{}: metadata key {}: expected {} elements, one a layer, found {}", path_, quote(key), n,
                          values.size());
  return values;
}

}  // namespace adder
