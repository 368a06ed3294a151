#include "core/base/utf8.h"
#include "core/formats/names.h"
#include "core/text/pretokenizer_rules.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

using nlohmann::json;

json byte_level() {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
}

json split_json(const SplitStep& step) {
  const bool isolated = step.drop == SplitStep::Drop::kNothing;
  return {{"type", "Split"},
          {"pattern", {{"Regex", step.regex}}},
          {"behavior", isolated ? "Isolated" : "Removed"},
          {"invert", step.drop == SplitStep::Drop::kBetween}};
}

json added_token(TokenId id, const std::string& text, bool special) {
  return {{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

/// The begin token before one text, and before the first of two.
json begin_template(TokenId id, const std::string& text) {
  const auto special = [&](int type) { return json{{"SpecialToken", {{"id", text}, {"type_id", type}}}}; };
  const auto sequence = [](const char* name, int type) {
    return json{{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", json::array({special(0), sequence("A", 0)})},
          {"pair", json::array({special(0), sequence("A", 0), special(1), sequence("B", 1)})},
          {"special_tokens", {{text, {{"id", text}, {"ids", {id}}, {"tokens", {text}}}}}}};
}

json text_of(const TokenizerData& data, TokenId id) {
  return id == -1 ? json() : json(data.tokens[static_cast<size_t>(id)]);
}

}  // namespace

Result<json> to_tokenizer_json(const TokenizerData& data) {
  TRY_ASSIGN(const std::vector<SplitStep> steps, split_of(data.split, data.pre));
  json vocabulary = json::object(), added = json::array(), pretokenizers = json::array();
  for (size_t at = 0; at < data.tokens.size(); ++at) {
    const std::string& text = data.tokens[at];
    if (!is_utf8(text)) return Error::unsupported("token {} {} is not UTF-8, which JSON cannot hold", at, quote(text));
    const auto id = static_cast<TokenId>(at);
    vocabulary[text] = id;
    const bool user_defined = data.types[at] == TokenType::kUserDefined;
    const bool special = data.types[at] == TokenType::kControl || data.types[at] == TokenType::kUnknown;
    if (user_defined || special) added.push_back(added_token(id, text, special));
  }
  for (const SplitStep& step : steps) pretokenizers.push_back(split_json(step));
  pretokenizers.push_back(byte_level());
  json post_processor;
  if (data.add_bos) post_processor = begin_template(data.bos, data.tokens[static_cast<size_t>(data.bos)]);
  return json{{"version", "1.0"},
              {"truncation", nullptr},
              {"padding", nullptr},
              {"added_tokens", std::move(added)},
              {"normalizer", nullptr},
              {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", std::move(pretokenizers)}}},
              {"post_processor", std::move(post_processor)},
              {"decoder", byte_level()},
              {"model",
               {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"continuing_subword_prefix", nullptr},
                {"end_of_word_suffix", nullptr},
                {"fuse_unk", false},
                {"byte_fallback", false},
                {"ignore_merges", data.ignore_merges},
                {"vocab", std::move(vocabulary)},
                {"merges", data.merges}}}};
}

json to_tokenizer_config_json(const TokenizerData& data) {
  return {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"bos_token", text_of(data, data.bos)},
          {"eos_token", text_of(data, data.eos)},         {"pad_token", text_of(data, data.pad)},
          {"unk_token", text_of(data, data.unk)},         {"add_bos_token", data.add_bos},
          {"clean_up_tokenization_spaces", false},        {"model_input_names", {"input_ids", "attention_mask"}}};
}

json to_generation_config_json(const TokenizerData& data) {
  json config = {{"_from_model_config", false}, {"eos_token_id", data.stop_ids}};
  if (data.bos != -1) config["bos_token_id"] = data.bos;
  if (data.pad != -1) config["pad_token_id"] = data.pad;
  return config;
}

}  // namespace adder
