#include "make/convert/hf_texts.h"

#include "core/arch/fp8.h"
#include "core/formats/json.h"
#include "core/formats/sampling_advice.h"
#include "core/text/tokenizer_io.h"
#include "make/quantize/carried_metadata.h"

namespace adder {
namespace {

using nlohmann::json;

/// Fields of config.json that speak of files or types which the copy does not have.
json without_the_past(json config) {
  for (const char* key : {"auto_map", kQuantizationKey, "dtype", "torch_dtype"}) config.erase(key);
  return config;
}

/// A text that the file carries; null if it carries none. What is no JSON object is as good as none.
json carried(const Gguf& file, std::string_view key) {
  const auto text = file.text(key);
  if (!text) return nullptr;
  auto value = parse_json(*text, key, JsonNumbers::kPython);
  return value && value->is_object() ? std::move(value).value() : json();
}

bool same_specials(const TokenizerData& a, const TokenizerData& b) {
  return a.bos == b.bos && a.eos == b.eos && a.pad == b.pad && a.unk == b.unk && a.add_bos == b.add_bos &&
         a.stop_ids == b.stop_ids;
}

/// Whether the tokens that a tokenizer_config.json names are those of the vocabulary; what it does not name is no
/// matter.
bool names_same(const json& tokenizer_config, const TokenizerData& data) {
  const json ours = to_tokenizer_config_json(data);
  for (const char* key : {"bos_token", "eos_token", "pad_token", "unk_token"}) {
    const json& field = json_member(tokenizer_config, key);
    const json& text = field.is_object() ? json_member(field, "content") : field;
    if (!text.is_null() && text != ours[key]) return false;
  }
  return true;
}

void set_ids(json& config, const TokenizerData& data) {
  const auto set = [&](const char* key, TokenId id) {
    if (id != -1) config[key] = id;
  };
  set("bos_token_id", data.bos);
  set("eos_token_id", data.eos);
  set("pad_token_id", data.pad);
}

Result<HfFiles> texts_of(const Gguf& file) {
  HfFiles files;
  if (const auto text = file.text("tokenizer.chat_template")) files.chat_template = *text;
  json config = carried(file, kHfConfigKey);
  files.config = config.is_null() ? json::object() : without_the_past(std::move(config));
  if (file.find("tokenizer.ggml.model") == nullptr) return files;

  TRY_ASSIGN(const TokenizerData data, tokenizer_from_gguf(file));
  TRY_ASSIGN(files.tokenizer, to_tokenizer_json(data));
  json tokenizer_config = carried(file, kHfTokenizerConfigKey), generation = carried(file, kHfGenerationConfigKey);
  const auto again = tokenizer_from_json(*files.tokenizer, tokenizer_config, generation, files.config);
  if (again && !tokenizer_config.is_null() && same_specials(*again, data) && names_same(tokenizer_config, data)) {
    files.tokenizer_config = std::move(tokenizer_config);
    if (!generation.is_null()) files.generation = std::move(generation);
    return files;
  }
  files.tokenizer_config = to_tokenizer_config_json(data);
  TRY_ASSIGN(const SamplingAdvice advice, sampling_advice(file));
  files.generation = to_generation_config_json(data);
  files.generation->update(to_generation_config_json(advice));
  set_ids(files.config, data);
  return files;
}

}  // namespace

Result<HfFiles> hf_texts(const ModelFile& file) {
  if (file.gguf() != nullptr) return texts_of(*file.gguf());
  const HfDirectory& hf = *file.hf();
  return HfFiles{without_the_past(hf.config()), hf.tokenizer(), hf.tokenizer_config(), hf.generation_config(),
                 hf.chat_template()};
}

}  // namespace adder
