#include "make/verify/diff_texts.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "core/base/hash.h"
#include "core/formats/names.h"
#include "core/formats/seal.h"
#include "core/text/pretokenizer_rules.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

/// Field -> its value as people read it.
using Fields = std::map<std::string, std::string>;

std::vector<FieldDifference> compare(const Fields& a, const Fields& b) {
  std::vector<FieldDifference> differences;
  for (const auto& [field, value] : a) {
    const auto other = b.find(field);
    if (other == b.end())
      differences.push_back({field, value, ""});
    else if (other->second != value)
      differences.push_back({field, value, other->second});
  }
  for (const auto& [field, value] : b)
    if (!a.contains(field)) differences.push_back({field, "", value});
  return differences;
}

Fields fields_of(const ModelConfig& c) {
  std::vector<int64_t> widths, kv_heads;
  for (const LayerConfig& layer : c.layers) {
    widths.push_back(layer.intermediate_size);
    kv_heads.push_back(layer.num_key_value_heads);
  }
  const auto text = [](const auto& value) { return fmt::format("{}", value); };
  return {{"layers", c.pattern()},
          {"intermediate_size", fmt::format("{}", fmt::join(widths, " "))},
          {"num_key_value_heads", fmt::format("{}", fmt::join(kv_heads, " "))},
          {"vocab_size", text(c.vocab_size)},
          {"hidden_size", text(c.hidden_size)},
          {"num_attention_heads", text(c.num_attention_heads)},
          {"head_dim", text(c.head_dim)},
          {"mamba_num_heads", text(c.mamba_num_heads)},
          {"mamba_head_dim", text(c.mamba_head_dim)},
          {"ssm_state_size", text(c.ssm_state_size)},
          {"n_groups", text(c.n_groups)},
          {"conv_kernel", text(c.conv_kernel)},
          {"norm_eps", text(c.printed_norm_eps())},
          {"tie_word_embeddings", text(c.tie_word_embeddings)},
          {"max_position_embeddings", text(c.max_position_embeddings)}};
}

/// Lists that are too long to print: how long they are, and what the first element is that differs.
void compare_lists(std::string_view field, const std::vector<std::string>& a, const std::vector<std::string>& b,
                   std::vector<FieldDifference>& out) {
  if (a == b) return;
  const auto at = static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  const auto shown = [&](const std::vector<std::string>& list) {
    return at < list.size() ? fmt::format("{} of {}", quote(list[at]), list.size())
                            : fmt::format("none of {}", list.size());
  };
  out.push_back({fmt::format("{} {}", field, at), shown(a), shown(b)});
}

Fields fields_of(const TokenizerData& data, const std::vector<SplitStep>& steps) {
  std::vector<std::string> expressions;
  for (const SplitStep& step : steps) expressions.push_back(step.regex);
  const auto text = [](const auto& value) { return fmt::format("{}", value); };
  std::vector<TokenId> stops = data.stop_ids;
  std::ranges::sort(stops);
  return {{"pre-tokenizer", fmt::format("{}", fmt::join(expressions, " then "))},
          {"add_bos", text(data.add_bos)},
          {"bos", text(data.bos)},
          {"eos", text(data.eos)},
          {"pad", text(data.pad)},
          {"unk", text(data.unk)},
          {"stop ids", fmt::format("{}", fmt::join(stops, " "))}};
}

Result<std::optional<TokenizerData>> tokenizer_of(const ModelFile& file) {
  if (file.gguf() ? file.gguf()->find("tokenizer.ggml.model") == nullptr : !file.hf()->tokenizer())
    return std::optional<TokenizerData>();
  TRY_ASSIGN(auto data, file.gguf() ? tokenizer_from_gguf(*file.gguf()) : tokenizer_from_hf(*file.hf()));
  return std::optional(std::move(data));
}

std::string template_of(const ModelFile& file) {
  return file.gguf() ? file.gguf()->text("tokenizer.chat_template").value_or("")
                     : file.hf()->chat_template().value_or("");
}

/// A value as people read it; a long one as its length and hash.
std::string shown(std::string text, size_t elements) {
  constexpr size_t kLongest = 60;
  if (text.size() <= kLongest) return quote(text);
  return fmt::format("{} elements, XXH3-128 {}", elements, hash128_hex(std::as_bytes(std::span(text))));
}

std::string value_text(const GgufEntry& entry) {
  return std::visit(
      [&]<class T>(const T& value) -> std::string {
        if constexpr (std::is_same_v<T, std::string>) {
          return shown(value, value.size());
        } else if constexpr (std::is_arithmetic_v<T>) {
          return fmt::format("{}", value);
        } else {
          std::string text;
          for (const auto& element : value)
            text += fmt::format("{}{}", text.empty() ? "" : " ", static_cast<typename T::value_type>(element));
          return shown(std::move(text), value.size());
        }
      },
      entry.value);
}

Fields metadata_of(const Gguf& file) {
  Fields fields;
  for (const GgufEntry& entry : file.metadata()) {
    const bool is_said_elsewhere =
        is_of_one_file(entry.key) || entry.key.starts_with("tokenizer.") || entry.key.starts_with("nemotron_h.");
    if (!is_said_elsewhere) fields[entry.key] = value_text(entry);
  }
  return fields;
}

Fields metadata_of(const HfDirectory& directory) {
  Fields fields;
  const auto add = [&](std::string_view file, const nlohmann::json& object) {
    if (!object.is_object()) return;
    for (const auto& [key, value] : object.items()) {
      std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
      const size_t bytes = text.size();
      fields[fmt::format("{}: {}", file, key)] = shown(std::move(text), bytes);
    }
  };
  add("config.json", directory.config());
  if (directory.generation_config()) add("generation_config.json", *directory.generation_config());
  return fields;
}

}  // namespace

std::vector<FieldDifference> diff_configs(const ModelConfig& a, const ModelConfig& b) {
  return compare(fields_of(a), fields_of(b));
}

Result<std::vector<FieldDifference>> diff_tokenizers(const ModelFile& a, const ModelFile& b) {
  TRY_ASSIGN(const auto ours, tokenizer_of(a));
  TRY_ASSIGN(const auto theirs, tokenizer_of(b));
  std::vector<FieldDifference> differences;
  if (ours && theirs) {
    compare_lists("token", ours->tokens, theirs->tokens, differences);
    compare_lists("merge", ours->merges, theirs->merges, differences);
    if (ours->types != theirs->types) differences.push_back({"token types", "", ""});
    TRY_ASSIGN(const auto our_steps, split_of(ours->split, ours->pre));
    TRY_ASSIGN(const auto their_steps, split_of(theirs->split, theirs->pre));
    std::ranges::move(compare(fields_of(*ours, our_steps), fields_of(*theirs, their_steps)),
                      std::back_inserter(differences));
  } else if (ours || theirs) {
    differences.push_back({"tokenizer", ours ? "a vocabulary" : "none", theirs ? "a vocabulary" : "none"});
  }
  const std::string our_template = template_of(a), their_template = template_of(b);
  if (our_template != their_template)
    differences.push_back(
        {"chat template", shown(our_template, our_template.size()), shown(their_template, their_template.size())});
  return differences;
}

std::vector<FieldDifference> diff_metadata(const ModelFile& a, const ModelFile& b) {
  if (a.gguf() && b.gguf()) return compare(metadata_of(*a.gguf()), metadata_of(*b.gguf()));
  if (a.hf() && b.hf()) return compare(metadata_of(*a.hf()), metadata_of(*b.hf()));
  return {};
}

}  // namespace adder
