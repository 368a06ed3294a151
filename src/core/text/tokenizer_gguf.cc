#include <algorithm>
#include <array>
#include <limits>

#include "core/formats/gguf_type.h"
#include "core/formats/names.h"
#include "core/text/pretokenizer_rules.h"
#include "core/text/stop_tokens.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

constexpr std::string_view kModel = "tokenizer.ggml.model";
constexpr std::string_view kPre = "tokenizer.ggml.pre";
constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
constexpr std::string_view kTypes = "tokenizer.ggml.token_type";
constexpr std::string_view kMerges = "tokenizer.ggml.merges";
constexpr std::string_view kBos = "tokenizer.ggml.bos_token_id";
constexpr std::string_view kEos = "tokenizer.ggml.eos_token_id";
constexpr std::string_view kPad = "tokenizer.ggml.padding_token_id";
constexpr std::string_view kUnk = "tokenizer.ggml.unknown_token_id";
constexpr std::string_view kAddBos = "tokenizer.ggml.add_bos_token";
constexpr std::string_view kEosList = "tokenizer.ggml.eos_token_ids";
constexpr std::array<std::string_view, 2> kOtherStops = {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};

Result<TokenId> token_id(int64_t value, std::string_view key) {
  if (value < 0 || value > std::numeric_limits<TokenId>::max())
    return Error::corrupt("metadata key {}: {} is not a token id", quote(key), value);
  return static_cast<TokenId>(value);
}

/// -1 if the file does not say.
Result<TokenId> optional_id(const Gguf& file, std::string_view key) {
  if (file.find(key) == nullptr) return -1;
  TRY_ASSIGN(const int64_t value, file.integer(key));
  return token_id(value, key);
}

Result<std::vector<TokenType>> types_of(const Gguf& file, size_t n_tokens) {
  if (file.find(kTypes) == nullptr) return std::vector<TokenType>(n_tokens, TokenType::kNormal);
  TRY_ASSIGN(const std::vector<int64_t> values, file.integers(kTypes));
  std::vector<TokenType> types;
  types.reserve(values.size());
  for (const int64_t value : values) {
    if (value < static_cast<int64_t>(TokenType::kNormal) || value > static_cast<int64_t>(TokenType::kByte))
      return Error::corrupt("metadata key {}: token {} has type {}, types are 1 to 6", quote(kTypes), types.size(),
                            value);
    types.push_back(static_cast<TokenType>(value));
  }
  return types;
}

GgufEntry scalar(std::string_view key, GgufType type, GgufValue value) {
  return {std::string(key), static_cast<uint32_t>(type), false, std::move(value)};
}
GgufEntry array(std::string_view key, GgufType type, GgufValue value) {
  return {std::string(key), static_cast<uint32_t>(type), true, std::move(value)};
}

}  // namespace

Result<TokenizerData> tokenizer_from_gguf(const Gguf& file) {
  TRY_ASSIGN(const std::string model, file.text(kModel));
  if (model != "gpt2")
    return Error::unsupported("tokenizer model {} is not supported, only 'gpt2' (byte-level BPE)", quote(model));
  TokenizerData data;
  TRY_ASSIGN(data.pre, file.text(kPre));
  TRY_ASSIGN(const PretokenizerRule* rule, find_pretokenizer_rule(data.pre));
  data.ignore_merges = rule->ignore_merges;
  TRY_ASSIGN(data.tokens, file.texts(kTokens));
  TRY_ASSIGN(data.types, types_of(file, data.tokens.size()));
  TRY_ASSIGN(data.merges, file.texts(kMerges));
  TRY_ASSIGN(data.bos, optional_id(file, kBos));
  TRY_ASSIGN(data.eos, optional_id(file, kEos));
  TRY_ASSIGN(data.pad, optional_id(file, kPad));
  TRY_ASSIGN(data.unk, optional_id(file, kUnk));
  data.add_bos = rule->add_bos && data.bos != -1;
  if (file.find(kAddBos) != nullptr) {
    TRY_ASSIGN(data.add_bos, file.boolean(kAddBos));
  }

  if (data.eos != -1) add_stop(data, data.eos);
  for (const std::string_view key : kOtherStops) {
    TRY_ASSIGN(const TokenId id, optional_id(file, key));
    if (id != -1) add_stop(data, id);
  }
  if (file.find(kEosList) != nullptr) {
    TRY_ASSIGN(const std::vector<int64_t> values, file.integers(kEosList));
    for (const int64_t value : values) {
      TRY_ASSIGN(const TokenId id, token_id(value, kEosList));
      add_stop(data, id);
    }
  }
  add_stops_by_name(data);
  return data;
}

Result<std::vector<GgufEntry>> gguf_entries(const TokenizerData& data) {
  TRY_ASSIGN(const PretokenizerRule* rule, find_pretokenizer_rule(data.pre));
  if (!data.split.empty() && !spells_rule(data.split, *rule))
    return Error::unsupported("GGUF has no name for this tokenizer's pre-tokenizer expressions, and {} names others",
                              quote(data.pre));
  std::vector<GgufEntry> entries = {
      scalar(kModel, GgufType::kText, std::string("gpt2")),
      scalar(kPre, GgufType::kText, data.pre),
      array(kTokens, GgufType::kText, data.tokens),
      array(kTypes, GgufType::kI32, std::vector<int64_t>(data.types.size())),
      array(kMerges, GgufType::kText, data.merges),
      scalar(kAddBos, GgufType::kBool, data.add_bos),
  };
  auto& types = std::get<std::vector<int64_t>>(entries[3].value);
  std::transform(data.types.begin(), data.types.end(), types.begin(),
                 [](TokenType t) { return static_cast<int64_t>(t); });
  const auto add_id = [&](std::string_view key, TokenId id) {
    if (id != -1) entries.push_back(scalar(key, GgufType::kU32, static_cast<uint64_t>(id)));
  };
  add_id(kBos, data.bos);
  add_id(kEos, data.eos);
  add_id(kPad, data.pad);
  add_id(kUnk, data.unk);
  if (!data.stop_ids.empty())
    entries.push_back(
        array(kEosList, GgufType::kI32, std::vector<int64_t>(data.stop_ids.begin(), data.stop_ids.end())));
  return entries;
}

}  // namespace adder
