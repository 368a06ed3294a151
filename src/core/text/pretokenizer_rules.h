#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/text/pretokenizer.h"

namespace adder {

/// A pre-tokenizer rule by the name GGUF files give it (tokenizer.ggml.pre), as expressions for Pretokenizer, and what
/// else the name implies where a file does not say.
struct PretokenizerRule {
  std::string_view name;
  std::vector<std::string> expressions;
  bool ignore_merges;  ///< a piece that is a token is emitted whole
  bool add_bos;        ///< text begins with the begin token
  /// How a tokenizer.json spells the rule, where that is not `expressions`.
  std::string published;
};

/// gpt-2, mpt, llama-bpe (also llama3, pixtral), qwen2, deepseek-llm, deepseek-coder, falcon, tekken.
///
/// "pixtral" means the Llama-3 expression in a GGUF file, although the tokenizer.json of models that carry this name
/// spells the one called "tekken" here. They differ in combining marks, in "'" before what looks like a contraction,
/// and in "/" after a newline that ends a run of symbols.
Result<const PretokenizerRule*> find_pretokenizer_rule(std::string_view name);

/// Whether the expressions of a tokenizer.json spell this rule.
bool spells_rule(const std::vector<SplitStep>& split, const PretokenizerRule& rule);

/// The name of the first rule that these expressions spell; empty if none.
std::string_view name_of_rule(const std::vector<SplitStep>& split);

/// What tokenizer.json calls ByteLevel with use_regex.
SplitStep gpt2_split();

/// The steps of a tokenizer: those it spells, otherwise those of the rule it names.
Result<std::vector<SplitStep>> split_of(const std::vector<SplitStep>& split, std::string_view pre);

}  // namespace adder
