#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "core/formats/gguf.h"
#include "core/formats/hf_directory.h"
#include "core/text/tokenizer.h"

namespace adder {

/// tokenizer.ggml.* of a GGUF file, whose tokenizer.ggml.model must be "gpt2" (byte-level BPE). What GGUF has no key
/// for, or a file leaves out, follows from the name of the pre-tokenizer rule (see pretokenizer_rules.h).
Result<TokenizerData> tokenizer_from_gguf(const Gguf& file);

/// A Hugging Face tokenizer: tokenizer.json (model BPE; no normalizer; pre-tokenizers Split, Digits, ByteLevel and
/// sequences of them; post-processor TemplateProcessing, of which only a first token before the text is obeyed: prompts
/// are never closed). The others, which may be null, add begin, end and padding tokens: tokenizer_config.json,
/// generation_config.json, config.json. Whatever would change ids and is not supported is refused by name.
Result<TokenizerData> tokenizer_from_json(const nlohmann::json& tokenizer, const nlohmann::json& tokenizer_config = {},
                                          const nlohmann::json& generation_config = {},
                                          const nlohmann::json& model_config = {});
Result<TokenizerData> tokenizer_from_hf(const HfDirectory& directory);

/// The same tokenizer in either layout.
///
/// GGUF knows pre-tokenizer rules by name only: kUnsupported if `data.pre` is empty or names another rule than
/// `data.split` spells. The name also decides `ignore_merges` for whoever reads the file, which makes no difference to
/// a vocabulary in which the bytes of every token merge to that token, as those made by BPE training do.
Result<std::vector<GgufEntry>> gguf_entries(const TokenizerData& data);
/// kUnsupported if a token is not UTF-8, which JSON cannot hold.
Result<nlohmann::json> to_tokenizer_json(const TokenizerData& data);
/// Precondition: to_tokenizer_json succeeds.
nlohmann::json to_tokenizer_config_json(const TokenizerData& data);
nlohmann::json to_generation_config_json(const TokenizerData& data);

}  // namespace adder
