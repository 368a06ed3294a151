#include "core/text/token_table.h"

#include <xxhash.h>

#include <bit>

namespace adder {
namespace {

uint64_t hash_of(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}
uint32_t tag_of(uint64_t hash) {
  return static_cast<uint32_t>(hash >> 32);
}

}  // namespace

TokenTable::TokenTable(std::span<const std::string> tokens) : slots_(std::bit_ceil(2 * tokens.size() + 1)) {
  for (size_t id = 0; id < tokens.size(); ++id) {
    const uint64_t hash = hash_of(tokens[id]);
    Slot& slot = slots_[probe(tokens, tokens[id], hash)];
    if (slot.id < 0) {
      slot = {tag_of(hash), static_cast<int32_t>(id)};
    } else if (!duplicate_) {
      duplicate_ = static_cast<int32_t>(id);
    }
  }
}

std::optional<int32_t> TokenTable::find(std::span<const std::string> tokens, std::string_view text) const {
  const Slot& slot = slots_[probe(tokens, text, hash_of(text))];
  if (slot.id < 0) return std::nullopt;
  return slot.id;
}

size_t TokenTable::probe(std::span<const std::string> tokens, std::string_view text, uint64_t hash) const {
  size_t at = hash & (slots_.size() - 1);
  while (slots_[at].id >= 0) {
    const Slot& slot = slots_[at];
    if (slot.tag == tag_of(hash) && tokens[static_cast<size_t>(slot.id)] == text) break;
    at = (at + 1) & (slots_.size() - 1);
  }
  return at;
}

}  // namespace adder
