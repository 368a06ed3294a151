#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "core/formats/gguf.h"
#include "core/formats/hf_directory.h"
#include "core/text/tokenizer.h"

namespace adder {

/// tokenizer.ggml.* of a GGUF file, whose tokenizer.ggml.model must be "gpt2" (byte-level BPE). Whether a piece that
/// is a token is emitted whole follows from the name of the pre-tokenizer rule, as GGUF has no key for it.
Result<TokenizerData> tokenizer_from_gguf(const Gguf& file);

/// A Hugging Face tokenizer: tokenizer.json (model BPE; no normalizer; pre-tokenizers Split, Digits, ByteLevel and
/// sequences of them; post-processor TemplateProcessing or ByteLevel), and what tokenizer_config.json and
/// generation_config.json add (begin, end and padding tokens). Anything else is refused by name.
Result<TokenizerData> tokenizer_from_json(const nlohmann::json& tokenizer, const nlohmann::json* tokenizer_config,
                                          const nlohmann::json* generation_config);

/// The same tokenizer for the writers of either layout. GGUF knows rules by name only: kUnsupported if `data.pre` is
/// empty or names another rule than `data.split` spells.
Result<std::vector<GgufEntry>> gguf_entries(const TokenizerData& data);
Result<nlohmann::json> to_tokenizer_json(const TokenizerData& data);
nlohmann::json to_tokenizer_config_json(const TokenizerData& data);
nlohmann::json to_generation_config_json(const TokenizerData& data);

}  // namespace adder
