#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/text/pretokenizer.h"

namespace adder {

class ModelFile;

using TokenId = int32_t;

enum class TokenType : uint8_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

/// What a tokenizer is made of, from whichever file.
struct TokenizerData {
  std::vector<std::string> tokens;  ///< text as stored: the GPT-2 printable alphabet for byte-level tokens
  std::vector<TokenType> types;     ///< same length
  std::vector<std::string> merges;  ///< "left right", by priority
  std::string pre;               ///< name of the rule that cuts text into pieces, as in GGUF; see pretokenizer_rules.h
  std::vector<SplitStep> split;  ///< the rule as a tokenizer.json spells it; empty: the one that `pre` names
  bool ignore_merges = false;    ///< a piece that is a token is emitted whole
  bool add_bos = false;
  TokenId bos = -1, eos = -1, pad = -1, unk = -1;
  std::vector<TokenId> stop_ids;  ///< union of everything the file calls an end of sequence or turn
};

struct EncodeOptions {
  bool add_bos = true;         ///< as the file says; never a second one
  bool parse_special = false;  ///< text that spells a control token becomes that token
};

/// Byte-level BPE (GPT-2; Tekken, Llama 3 and relatives). Immutable after construction, so safe to share.
class Tokenizer {
 public:
  static Result<Tokenizer> from_file(const ModelFile& file);  ///< GGUF metadata or tokenizer.json
  /// kCorrupt, with the number of the offending token or merge, unless: there are as many types as tokens; no token
  /// text is there twice; every merge joins two tokens to a third, none of them a control token, and none is there
  /// twice; all ids are those of tokens; each byte of printable text has a token of its own. kUnsupported for unknown
  /// rules and expressions.
  static Result<Tokenizer> from_data(TokenizerData data);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// Any bytes are accepted; invalid UTF-8 is encoded byte by byte. Time grows as n log n in the text.
  ///
  /// Tokens of type kUserDefined are found in the text first, control tokens as well if `parse_special`: the leftmost,
  /// then the longest. What lies between is cut by the pre-tokenizer, and the bytes of each piece are merged. Decoding
  /// gives the text back, except that a byte for which the vocabulary has no token is left out, as by the tokenizers
  /// such vocabularies come from: some were learnt without control characters or bytes that UTF-8 does not use.
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options = {}) const;

  /// The bytes of one token; control tokens are empty unless `special`. Ids out of range are empty.
  std::string_view token_bytes(TokenId id, bool special = false) const;
  std::string decode(std::span<const TokenId> ids, bool special = false) const;

  int64_t vocab_size() const;
  TokenType type(TokenId id) const;
  std::optional<TokenId> find(std::string_view stored_text) const;
  bool is_stop(TokenId id) const;
  const TokenizerData& data() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace adder
