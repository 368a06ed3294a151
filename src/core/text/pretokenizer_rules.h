#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// A pre-tokenizer rule by the name GGUF files give it (tokenizer.ggml.pre), as expressions for Pretokenizer.
struct PretokenizerRule {
  std::string_view name;
  std::vector<std::string> expressions;
  bool ignore_merges;  ///< the name also implies that a piece that is a token is emitted whole
};

/// gpt-2, mpt, llama-bpe (also llama3, pixtral), qwen2, deepseek-llm, deepseek-coder, falcon, tekken.
/// "pixtral" in a GGUF file means the Llama-3 expression, although models that carry it were trained with the one
/// called "tekken" here (the two differ in combining marks, in "'" before a contraction and in "/" after a newline).
Result<const PretokenizerRule*> find_pretokenizer_rule(std::string_view name);

}  // namespace adder
