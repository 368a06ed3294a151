#include "make/quantize/carried_metadata.h"

#include <iterator>
#include <nlohmann/json.hpp>

#include "core/arch/config_gguf.h"
#include "core/formats/gguf_type.h"
#include "core/formats/json_text.h"
#include "core/formats/sampling_advice.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

GgufEntry json_entry(std::string_view key, nlohmann::json value) {
  if (value.is_object()) value.erase("chat_template");  // has a key of its own
  return gguf_text(std::string(key), python_json(std::move(value)));
}

GgufEntry types_entry(const BoundModel& model) {
  std::vector<std::string> types;
  for (const BoundTensor& tensor : model.tensors) types.emplace_back(name(tensor.view.dtype));
  return {std::string(kHfTypesKey), static_cast<uint32_t>(GgufType::kText), true, std::move(types)};
}

}  // namespace

Result<std::vector<GgufEntry>> carried_metadata(const BoundModel& model) {
  if (const Gguf* gguf = model.file->gguf()) {
    std::vector<GgufEntry> entries = gguf->metadata();
    std::erase_if(entries, [](const GgufEntry& entry) { return entry.key.starts_with(kNestedPrefix); });
    return entries;
  }
  const HfDirectory& hf = *model.file->hf();
  std::error_code ignored;
  std::vector<GgufEntry> entries = {
      gguf_text("general.type", "model"),
      gguf_text("general.name", std::filesystem::weakly_canonical(hf.path(), ignored).filename())};
  if (hf.tokenizer()) {
    TRY_ASSIGN(const TokenizerData tokenizer, tokenizer_from_hf(hf));
    TRY_ASSIGN(auto tokenizer_entries, gguf_entries(tokenizer));
    std::ranges::move(tokenizer_entries, std::back_inserter(entries));
  }
  TRY_ASSIGN(const SamplingAdvice advice, sampling_advice(*model.file));
  std::ranges::move(gguf_entries(advice), std::back_inserter(entries));
  if (hf.chat_template()) entries.push_back(gguf_text("tokenizer.chat_template", *hf.chat_template()));
  entries.push_back(json_entry(kHfConfigKey, hf.config()));
  if (hf.tokenizer_config()) entries.push_back(json_entry(kHfTokenizerConfigKey, *hf.tokenizer_config()));
  if (hf.generation_config()) entries.push_back(json_entry(kHfGenerationConfigKey, *hf.generation_config()));
  entries.push_back(types_entry(model));
  return entries;
}

}  // namespace adder
