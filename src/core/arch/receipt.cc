#include "core/arch/receipt.h"

#include "core/arch/config_gguf.h"
#include "core/formats/gguf_type.h"
#include "core/formats/json.h"

namespace adder {
namespace {

constexpr std::string_view kVersion = "adder.receipt.version";
constexpr std::string_view kRecipe = "adder.receipt.recipe";
constexpr std::string_view kSource = "adder.receipt.source";
constexpr std::string_view kBitsPerWeight = "adder.receipt.bits_per_weight";

constexpr std::string_view kDivergence = "adder.receipt.divergence";
constexpr std::string_view kDivergenceError = "adder.receipt.divergence_error";
constexpr std::string_view kDivergenceTokens = "adder.receipt.divergence_tokens";
constexpr std::string_view kDivergenceText = "adder.receipt.divergence_text";

GgufEntry texts(std::string_view key, std::vector<std::string> values) {
  return {std::string(key), static_cast<uint32_t>(GgufType::kText), true, std::move(values)};
}

Result<std::optional<Receipt>> from_gguf(const Gguf& file) {
  if (file.find(kVersion) == nullptr) return std::optional<Receipt>();
  Receipt receipt;
  TRY_ASSIGN(receipt.version, file.text(kVersion));
  TRY_ASSIGN(const auto recipes, file.texts(kRecipe));
  TRY_ASSIGN(const auto sources, file.texts(kSource));
  if (recipes.size() != sources.size())
    return Error::corrupt("{}: the receipt has {} recipes and {} sources", file.path(), recipes.size(), sources.size());
  for (size_t i = 0; i < recipes.size(); ++i) receipt.steps.push_back({recipes[i], sources[i]});
  TRY_ASSIGN(receipt.bits_per_weight, file.number(kBitsPerWeight));
  TRY_ASSIGN(receipt.model_hash, file.text(kModelHashKey));
  if (file.find(kDivergence) == nullptr) return std::optional(std::move(receipt));
  ReceiptDivergence& divergence = receipt.divergence.emplace();
  TRY_ASSIGN(divergence.kl, file.number(kDivergence));
  TRY_ASSIGN(divergence.kl_error, file.number(kDivergenceError));
  TRY_ASSIGN(divergence.tokens, file.integer(kDivergenceTokens));
  TRY_ASSIGN(divergence.text, file.text(kDivergenceText));
  return std::optional(std::move(receipt));
}

Result<std::string> text(const nlohmann::json& object, const char* key, const std::string& where) {
  const nlohmann::json& value = json_member(object, key);
  if (!value.is_string()) return Error::corrupt("{}: {} is missing or no text", where, key);
  return value.get<std::string>();
}

Result<std::optional<Receipt>> from_directory(const HfDirectory& directory) {
  const std::filesystem::path path = directory.path() / kSealFile;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::optional<Receipt>();
  TRY_ASSIGN(const nlohmann::json seal, read_json(path));
  Receipt receipt;
  TRY_ASSIGN(receipt.version, text(seal, "adder", path.string()));
  TRY_ASSIGN(receipt.model_hash, text(seal, "model_hash", path.string()));
  const nlohmann::json &bits = json_member(seal, "bits_per_weight"), &steps = json_member(seal, "steps");
  if (!bits.is_number() || !steps.is_array())
    return Error::corrupt("{}: expected a number 'bits_per_weight' and an array 'steps'", path.string());
  receipt.bits_per_weight = bits.get<double>();
  for (const nlohmann::json& step : steps) {
    ReceiptStep& read = receipt.steps.emplace_back();
    TRY_ASSIGN(read.recipe, text(step, "recipe", path.string()));
    TRY_ASSIGN(read.source, text(step, "source", path.string()));
  }
  return std::optional(std::move(receipt));
}

}  // namespace

ModelHash::ModelHash(const ModelConfig& c) {
  for (const LayerConfig& layer : c.layers)
    line(fmt::format("layer {} {} {}", static_cast<char>(layer.kind), layer.intermediate_size,
                     layer.num_key_value_heads));
  line(fmt::format("config {} {} {} {} {} {} {} {} {} {} {}", c.vocab_size, c.hidden_size, c.num_attention_heads,
                   c.head_dim, c.mamba_num_heads, c.mamba_head_dim, c.ssm_state_size, c.n_groups, c.conv_kernel,
                   c.printed_norm_eps(), c.tie_word_embeddings ? 1 : 0));
}

void ModelHash::line(std::string_view text) {
  hash_.update(std::as_bytes(std::span(text)));
  hash_.update(std::as_bytes(std::span("\n", 1)));
}

void ModelHash::add(const TensorSpec& spec, DType dtype, std::string_view tensor_hash, const Fp8Scales& scales) {
  line(fmt::format("{} {} {}", spec.gguf_name, name(dtype), tensor_hash));
  if (scales != Fp8Scales{})
    line(fmt::format("scales {} {} {}", scales.weight, scales.input.value_or(0), scales.cache.value_or(0)));
}

Result<std::optional<Receipt>> read_receipt(const ModelFile& file) {
  return file.gguf() ? from_gguf(*file.gguf()) : from_directory(*file.hf());
}

std::vector<ReceiptStep> steps_from(const ModelFile& source, std::string recipe) {
  const auto receipt = read_receipt(source);
  std::vector<ReceiptStep> steps = receipt && *receipt ? (*receipt)->steps : std::vector<ReceiptStep>();
  steps.push_back({std::move(recipe), std::string(kBlankHash)});
  return steps;
}

Receipt make_receipt(const std::vector<TensorSpec>& specs, const std::vector<DType>& types,
                     std::vector<ReceiptStep> steps) {
  double bits = 0, elements = 0;
  for (size_t i = 0; i < specs.size(); ++i) {
    bits += 8 * static_cast<double>(storage_bytes(types[i], specs[i].shape.elements()));
    elements += static_cast<double>(specs[i].shape.elements());
  }
  return {ADDER_VERSION, std::move(steps), bits / elements, std::string(kBlankHash)};
}

std::vector<GgufEntry> gguf_entries(const Receipt& receipt) {
  std::vector<std::string> recipes, sources;
  for (const ReceiptStep& step : receipt.steps) {
    recipes.push_back(step.recipe);
    sources.push_back(step.source);
  }
  std::vector<GgufEntry> entries = {gguf_text(std::string(kVersion), receipt.version),
                                    texts(kRecipe, std::move(recipes)), texts(kSource, std::move(sources)),
                                    gguf_f32(std::string(kBitsPerWeight), receipt.bits_per_weight),
                                    gguf_text(std::string(kModelHashKey), receipt.model_hash)};
  if (const auto& divergence = receipt.divergence) {
    entries.push_back(gguf_f32(std::string(kDivergence), divergence->kl));
    entries.push_back(gguf_f32(std::string(kDivergenceError), divergence->kl_error));
    entries.push_back(gguf_u32(std::string(kDivergenceTokens), static_cast<uint32_t>(divergence->tokens)));
    entries.push_back(gguf_text(std::string(kDivergenceText), divergence->text));
  }
  return entries;
}

nlohmann::ordered_json to_json(const Receipt& receipt) {
  nlohmann::ordered_json steps = nlohmann::ordered_json::array();
  for (const ReceiptStep& step : receipt.steps) steps.push_back({{"recipe", step.recipe}, {"source", step.source}});
  nlohmann::ordered_json object = {{"adder", receipt.version},
                                   {"steps", std::move(steps)},
                                   {"bits_per_weight", receipt.bits_per_weight},
                                   {"model_hash", receipt.model_hash}};
  if (const auto& divergence = receipt.divergence)
    object["divergence"] = {{"kl", divergence->kl},
                            {"kl_error", divergence->kl_error},
                            {"tokens", divergence->tokens},
                            {"text", divergence->text}};
  return object;
}

}  // namespace adder
