#include <algorithm>
#include <optional>

#include "core/formats/json.h"
#include "core/formats/names.h"
#include "core/text/pretokenizer_rules.h"
#include "core/text/regex_dialect.h"
#include "core/text/stop_tokens.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

using nlohmann::json;

constexpr int kMaxNesting = 8;

std::string text_or(const json& object, std::string_view key, std::string_view otherwise) {
  const json& value = json_member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string(otherwise);
}

Result<bool> flag(const json& object, std::string_view key, bool otherwise) {
  const json& value = json_member(object, key);
  if (value.is_null()) return otherwise;
  if (!value.is_boolean()) return Error::corrupt("tokenizer.json: {} is not true or false", quote(key));
  return value.get<bool>();
}

/// An integer that is not negative.
std::optional<uint64_t> id_of_number(const json& value) {
  if (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<int64_t>() < 0)) return std::nullopt;
  return value.get<uint64_t>();
}

std::string type_of(const json& object) {
  return text_or(object, "type", "(none)");
}

class Reader {
 public:
  Reader(const json& tokenizer, const json& tokenizer_config) : json_(tokenizer), config_(tokenizer_config) {}

  Result<TokenizerData> run() {
    if (!json_member(json_, "normalizer").is_null())
      return refuse("normalizer", type_of(json_member(json_, "normalizer")));
    TRY(model(json_member(json_, "model")));
    TRY(added_tokens(json_member(json_, "added_tokens")));
    TRY(place_tokens());
    TRY(pretokenizer(json_member(json_, "pre_tokenizer"), 0));
    if (!byte_level_)
      return Error::unsupported("tokenizer.json: no ByteLevel pre-tokenizer; only byte-level BPE is supported");
    data_.pre = name_of_rule(data_.split);
    TRY(config_tokens());
    TRY(post_processor(json_member(json_, "post_processor"), 0));
    return std::move(data_);
  }

 private:
  static Error refuse(std::string_view what, std::string_view name) {
    return Error::unsupported("tokenizer.json: {} {} is not supported", what, quote(name));
  }

  Status model(const json& model) {
    if (!model.is_object()) return Error::corrupt("tokenizer.json: no model");
    if (type_of(model) != "BPE") return refuse("model type", type_of(model));
    for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"})
      if (!text_or(model, key, "").empty()) return refuse(key, text_or(model, key, ""));
    TRY_ASSIGN(const bool byte_fallback, flag(model, "byte_fallback", false));
    if (byte_fallback) return refuse("model option", "byte_fallback");
    const json& dropout = json_member(model, "dropout");
    if (!dropout.is_null() && dropout != 0) return refuse("model option", "dropout");
    TRY_ASSIGN(data_.ignore_merges, flag(model, "ignore_merges", false));
    unknown_ = text_or(model, "unk_token", "");
    const json& vocabulary = json_member(model, "vocab");
    if (!vocabulary.is_object()) return Error::corrupt("tokenizer.json: model.vocab is not an object");
    for (const auto& [text, id] : vocabulary.items()) TRY(add_token(text, id, TokenType::kNormal));
    return merges(json_member(model, "merges"));
  }

  /// "left right", or ["left", "right"].
  Status merges(const json& list) {
    if (!list.is_array()) return Error::corrupt("tokenizer.json: model.merges is not an array");
    data_.merges.reserve(list.size());
    for (const json& merge : list) {
      const bool pair = merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string();
      if (!pair && !merge.is_string())
        return Error::corrupt("tokenizer.json: merge {} is neither a text nor a pair of texts", data_.merges.size());
      data_.merges.push_back(pair ? merge[0].get<std::string>() + ' ' + merge[1].get<std::string>()
                                  : merge.get<std::string>());
    }
    return {};
  }

  struct Placed {
    std::string text;
    TokenType type;
    uint64_t id;
  };

  Status add_token(std::string text, const json& number, TokenType type) {
    const auto id = id_of_number(number);
    if (!id) return Error::corrupt("tokenizer.json: token {} has no id", quote(text));
    placed_.push_back({std::move(text), type, *id});
    return {};
  }

  Status added_tokens(const json& list) {
    if (!list.is_null() && !list.is_array()) return Error::corrupt("tokenizer.json: added_tokens is not an array");
    for (const json& token : list) {
      const std::string text = text_or(token, "content", "");
      if (text.empty()) return Error::corrupt("tokenizer.json: an added token has no content");
      for (const std::string_view key : {"lstrip", "rstrip", "single_word"}) {
        TRY_ASSIGN(const bool set, flag(token, key, false));
        if (set) return refuse(fmt::format("added token {} with", quote(text)), key);
      }
      TRY_ASSIGN(const bool special, flag(token, "special", false));
      TRY(add_token(text, json_member(token, "id"), special ? TokenType::kControl : TokenType::kUserDefined));
    }
    return {};
  }

  /// Ids must be 0 to n - 1. An added token may repeat one of the vocabulary, whose type it changes.
  Status place_tokens() {
    std::stable_sort(placed_.begin(), placed_.end(), [](const Placed& a, const Placed& b) { return a.id < b.id; });
    for (Placed& token : placed_) {
      if (token.id + 1 == data_.tokens.size() && token.text == data_.tokens.back() &&
          token.type != TokenType::kNormal) {
        data_.types.back() = token.type;
        continue;
      }
      if (token.id != data_.tokens.size())
        return Error::corrupt("tokenizer.json: token {} has id {}, expected {}: ids count up from 0 without gaps",
                              quote(token.text), token.id, data_.tokens.size());
      data_.tokens.push_back(std::move(token.text));
      data_.types.push_back(token.type);
    }
    return {};
  }

  Status pretokenizer(const json& node, int depth) {
    if (depth > kMaxNesting) return Error::unsupported("tokenizer.json: pre-tokenizers nested too deep");
    if (byte_level_) return Error::unsupported("tokenizer.json: a pre-tokenizer after ByteLevel is not supported");
    const std::string type = type_of(node);
    if (type == "Sequence") {
      for (const json& step : json_member(node, "pretokenizers")) TRY(pretokenizer(step, depth + 1));
      return {};
    }
    if (type == "Split") return split(node);
    if (type == "Digits") {
      TRY_ASSIGN(const bool individual, flag(node, "individual_digits", false));
      data_.split.push_back({individual ? R"(\p{N})" : R"(\p{N}+)"});
      return {};
    }
    if (type == "ByteLevel") {
      TRY_ASSIGN(const bool prefix, flag(node, "add_prefix_space", true));
      if (prefix) return refuse("ByteLevel option", "add_prefix_space");
      TRY_ASSIGN(const bool use_regex, flag(node, "use_regex", true));
      if (use_regex) data_.split.push_back(gpt2_split());
      byte_level_ = true;
      return {};
    }
    return refuse("pre-tokenizer", type);
  }

  Status split(const json& node) {
    const json& pattern = json_member(node, "pattern");
    std::string regex = text_or(pattern, "Regex", "");
    if (regex.empty()) regex = quote_regex(text_or(pattern, "String", ""));
    if (regex.empty()) return Error::corrupt("tokenizer.json: a Split has no pattern");
    TRY_ASSIGN(const bool invert, flag(node, "invert", false));
    const std::string behavior = text_or(node, "behavior", "(none)");
    if (behavior == "Isolated") {
      data_.split.push_back({regex});
    } else if (behavior == "Removed") {
      data_.split.push_back({regex, invert ? SplitStep::Drop::kBetween : SplitStep::Drop::kMatches});
    } else {
      return refuse("Split behavior", behavior);
    }
    return {};
  }

  /// The id of a token named in one of the files; -1 if none is named.
  Result<TokenId> id_of(const json& name) const {
    const json& text = name.is_object() ? json_member(name, "content") : name;
    if (!text.is_string() || text.get_ref<const std::string&>().empty()) return -1;
    const auto found = std::find(data_.tokens.begin(), data_.tokens.end(), text.get_ref<const std::string&>());
    if (found == data_.tokens.end())
      return Error::corrupt("tokenizer.json: {} is named, but is not a token", quote(text.get<std::string>()));
    return static_cast<TokenId>(found - data_.tokens.begin());
  }

  Status config_tokens() {
    TRY_ASSIGN(data_.bos, id_of(json_member(config_, "bos_token")));
    TRY_ASSIGN(data_.eos, id_of(json_member(config_, "eos_token")));
    TRY_ASSIGN(data_.pad, id_of(json_member(config_, "pad_token")));
    TRY_ASSIGN(data_.unk, id_of(json_member(config_, "unk_token")));
    if (data_.unk == -1) {
      TRY_ASSIGN(data_.unk, id_of(unknown_));
    }
    TRY_ASSIGN(data_.add_bos, flag(config_, "add_bos_token", false));
    return {};
  }

  Status post_processor(const json& node, int depth) {
    if (depth > kMaxNesting) return Error::unsupported("tokenizer.json: post-processors nested too deep");
    const std::string type = type_of(node);
    if (node.is_null() || type == "ByteLevel") return {};  // the latter changes offsets only
    if (type == "Sequence") {
      for (const json& step : json_member(node, "processors")) TRY(post_processor(step, depth + 1));
      return {};
    }
    if (type != "TemplateProcessing") return refuse("post-processor", type);
    const json& parts = json_member(node, "single");
    if (!parts.is_array() || parts.empty()) return Error::corrupt("tokenizer.json: a template without parts");
    const json& first = json_member(parts[0], "SpecialToken");
    data_.add_bos = !first.is_null();
    if (!data_.add_bos) return {};
    if (parts.size() > 1 && !json_member(parts[1], "SpecialToken").is_null())
      return refuse("post-processor", "template with two tokens before the text");
    TRY_ASSIGN(data_.bos, id_of(json_member(first, "id")));
    return {};
  }

  const json& json_;
  const json& config_;
  TokenizerData data_;
  std::vector<Placed> placed_;
  std::string unknown_;
  bool byte_level_ = false;
};

/// An id, a list of ids, or nothing.
Status add_stops(const json& ids, std::string_view where, TokenizerData& data) {
  if (ids.is_null()) return {};
  for (const json& number : ids.is_array() ? ids : json::array({ids})) {
    const auto id = id_of_number(number);
    if (!id || *id >= data.tokens.size())
      return Error::corrupt("{}: eos_token_id {} is not one of {} tokens", where, quote(number.dump()),
                            data.tokens.size());
    add_stop(data, static_cast<TokenId>(*id));
  }
  return {};
}

}  // namespace

Result<TokenizerData> tokenizer_from_json(const json& tokenizer, const json& tokenizer_config,
                                          const json& generation_config, const json& model_config) {
  TRY_ASSIGN(TokenizerData data, Reader(tokenizer, tokenizer_config).run());
  if (data.eos != -1) add_stop(data, data.eos);
  TRY(add_stops(json_member(generation_config, "eos_token_id"), "generation_config.json", data));
  TRY(add_stops(json_member(model_config, "eos_token_id"), "config.json", data));
  add_stops_by_name(data);
  return data;
}

Result<TokenizerData> tokenizer_from_hf(const HfDirectory& directory) {
  if (!directory.tokenizer()) return Error::not_found("there is no tokenizer.json");
  static const json kNone;
  return tokenizer_from_json(*directory.tokenizer(), directory.tokenizer_config().value_or(kNone),
                             directory.generation_config().value_or(kNone), directory.config());
}

}  // namespace adder
