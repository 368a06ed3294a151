#include <algorithm>
#include <memory>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/json_output.h"
#include "apps/model_path.h"
#include "apps/model_summary.h"
#include "core/arch/budget.h"
#include "core/base/byte_size.h"
#include "core/nest/nested_file.h"

namespace adder {
namespace {

struct InspectOptions {
  std::string model, size;
  DType kv_type = DType::kF16;
  bool tensors = false, json = false;
};

/// The same value for every layer of a kind, or a list of what occurs.
std::string per_layer(const ModelConfig& config, LayerKind kind, int64_t LayerConfig::*field) {
  std::vector<int64_t> values;
  for (const LayerConfig& layer : config.layers) {
    if (layer.kind == kind && std::find(values.begin(), values.end(), layer.*field) == values.end())
      values.push_back(layer.*field);
  }
  std::string text;
  for (const int64_t value : values) text += fmt::format("{}{}", text.empty() ? "" : " or ", value);
  return text.empty() ? "none" : text;
}

void print_config(const BoundModel& model) {
  const ModelConfig& c = model.config;
  const auto row = [](std::string_view label, const auto& value) { fmt::print("  {:<20} {}\n", label, value); };
  fmt::print("{} ({})\n", model.file->path(), model.file->gguf() != nullptr ? "GGUF" : "Hugging Face directory");
  row("pattern", c.pattern());
  row("layers", fmt::format("{}: {} Mamba, {} attention, {} MLP", c.n_layers(), c.count(LayerKind::kMamba),
                            c.count(LayerKind::kAttention), c.count(LayerKind::kMlp)));
  row("hidden size", c.hidden_size);
  row("vocabulary", fmt::format("{}{}", c.vocab_size, c.tie_word_embeddings ? ", embedding and output tied" : ""));
  row("MLP width", per_layer(c, LayerKind::kMlp, &LayerConfig::intermediate_size));
  row("Mamba", fmt::format("{} heads of {}, state {}, {} groups, convolution {}", c.mamba_num_heads, c.mamba_head_dim,
                           c.ssm_state_size, c.n_groups, c.conv_kernel));
  row("attention", fmt::format("{} heads of {}, {} KV heads", c.num_attention_heads, c.head_dim,
                               per_layer(c, LayerKind::kAttention, &LayerConfig::num_key_value_heads)));
  row("norm epsilon", c.printed_norm_eps());
  row("longest context", c.max_position_embeddings);
}

/// What the file holds beside what is shown.
Status print_sizes(const ModelFile& file) {
  TRY_ASSIGN(const ModelConfig config, read_config(file));
  TRY_ASSIGN(const std::vector<NestedSize> sizes, read_sizes(*file.gguf(), config));
  fmt::print("  {:<20}", "sizes");
  for (const NestedSize& size : sizes) {
    TRY_ASSIGN(const ModelConfig child, child_config(config, size.child));
    fmt::print(" {} ({} parameters){}", size.name, parameter_count(child), &size == &sizes.back() ? "\n" : ",");
  }
  return {};
}

void print_summary(const ModelSummary& s, DType kv_type) {
  fmt::print("\n  {:<20} {} ({} read per token)\n", "parameters", s.parameters, s.active_parameters);
  fmt::print("  {:<20} {}, {:.2f} bits per weight{}\n", "tensor data", byte_size_text(s.bytes), s.bits_per_weight,
             s.mix.empty() ? "" : ", mix " + s.mix);
  fmt::print("  {:<20} {} of weights\n", "read per token", byte_size_text(s.weight_bytes_per_token));
  fmt::print("  {:<20} {} recurrent, {} per token of keys and values in {}\n", "a sequence keeps",
             byte_size_text(s.state.ssm + s.state.conv), byte_size_text(s.state.kv_per_token), name(kv_type));

  fmt::print("\n  {:<8} {:>8} {:>16} {:>12} {:>7}\n", "type", "tensors", "parameters", "bytes", "share");
  for (const TypeTotal& type : s.types) {
    fmt::print("  {:<8} {:>8} {:>16} {:>12} {:>5.1f} %\n", name(type.dtype), type.tensors, type.elements,
               byte_size_text(type.bytes), 100.0 * static_cast<double>(type.bytes) / static_cast<double>(s.bytes));
  }
  if (s.fallbacks.empty()) return;
  fmt::print("\n  {} tensors have rows that the mix's own blocks do not divide:\n", s.fallbacks.size());
  for (const auto& fallback : s.fallbacks)
    fmt::print("  {:<32} {} instead of {}\n", fallback.name, name(fallback.used), name(fallback.wanted));
}

void print_tensors(const BoundModel& model) {
  fmt::print("\n");
  for (const BoundTensor& tensor : model.tensors)
    fmt::print("  {:<48} {:<8} {:<16} {}\n", tensor.name, name(tensor.view.dtype), to_string(tensor.view.shape),
               byte_size_text(static_cast<int64_t>(tensor.view.bytes())));
}

void print_skipped(const BoundModel& model) {
  if (model.skipped.empty()) return;
  fmt::print("\n  {} tensors the model does not need:\n", model.skipped.size());
  for (const NamedTensor& tensor : model.skipped)
    fmt::print("  {:<48} {:<8} {:<16} {}\n", tensor.name, name(tensor.view.dtype), to_string(tensor.view.shape),
               byte_size_text(static_cast<int64_t>(tensor.view.bytes())));
}

Json config_json(const ModelConfig& c) {
  Json intermediate = Json::array(), kv_heads = Json::array();
  for (const LayerConfig& layer : c.layers) {
    intermediate.push_back(layer.intermediate_size);
    kv_heads.push_back(layer.num_key_value_heads);
  }
  return {{"hybrid_override_pattern", c.pattern()},
          {"num_hidden_layers", c.n_layers()},
          {"vocab_size", c.vocab_size},
          {"hidden_size", c.hidden_size},
          {"intermediate_size", intermediate},
          {"num_attention_heads", c.num_attention_heads},
          {"num_key_value_heads", kv_heads},
          {"head_dim", c.head_dim},
          {"mamba_num_heads", c.mamba_num_heads},
          {"mamba_head_dim", c.mamba_head_dim},
          {"ssm_state_size", c.ssm_state_size},
          {"n_groups", c.n_groups},
          {"conv_kernel", c.conv_kernel},
          {"norm_eps", c.printed_norm_eps()},
          {"tie_word_embeddings", c.tie_word_embeddings},
          {"max_position_embeddings", c.max_position_embeddings}};
}

Json to_json(const BoundModel& model, const ModelSummary& s, DType kv_type) {
  Json types = Json::array(), fallbacks = Json::array(), tensors = Json::array(), skipped = Json::array();
  for (const TypeTotal& t : s.types)
    types.push_back({{"type", name(t.dtype)}, {"tensors", t.tensors}, {"parameters", t.elements}, {"bytes", t.bytes}});
  for (const auto& f : s.fallbacks)
    fallbacks.push_back({{"name", f.name}, {"wanted", name(f.wanted)}, {"used", name(f.used)}});
  for (const BoundTensor& t : model.tensors)
    tensors.push_back({{"name", t.name},
                       {"role", name(t.spec.role)},
                       {"layer", t.spec.layer},
                       {"type", name(t.view.dtype)},
                       {"shape", t.view.shape.dims()},
                       {"bytes", t.view.bytes()}});
  for (const NamedTensor& t : model.skipped)
    skipped.push_back(
        {{"name", t.name}, {"type", name(t.view.dtype)}, {"shape", t.view.shape.dims()}, {"bytes", t.view.bytes()}});
  return {{"path", model.file->path()},
          {"layout", model.file->gguf() != nullptr ? "gguf" : "huggingface"},
          {"config", config_json(model.config)},
          {"parameters", s.parameters},
          {"active_parameters", s.active_parameters},
          {"tensor_bytes", s.bytes},
          {"bits_per_weight", s.bits_per_weight},
          {"weight_bytes_per_token", s.weight_bytes_per_token},
          {"state",
           {{"conv_bytes", s.state.conv},
            {"ssm_bytes", s.state.ssm},
            {"kv_type", name(kv_type)},
            {"kv_bytes_per_token", s.state.kv_per_token}}},
          {"mix", s.mix.empty() ? Json(nullptr) : Json(s.mix)},
          {"types", types},
          {"fallbacks", fallbacks},
          {"tensors", tensors},
          {"skipped", skipped}};
}

Status inspect(const InspectOptions& o) {
  TRY_ASSIGN(const std::filesystem::path path, model_path(o.model));
  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  const auto shared = std::make_shared<const ModelFile>(std::move(file));
  TRY_ASSIGN(const BoundModel model,
             o.size.empty() ? bind_whole(shared, Join::kShapesOnly) : bind_size(shared, o.size, Join::kShapesOnly));
  const ModelSummary summary = summarize(model, o.kv_type);
  if (o.json) {
    print_json(to_json(model, summary, o.kv_type));
    return {};
  }
  print_config(model);
  if (is_nested_file(*shared)) TRY(print_sizes(*shared));
  print_summary(summary, o.kv_type);
  if (o.tensors) print_tensors(model);
  print_skipped(model);
  return {};
}

}  // namespace

void add_inspect(CLI::App& app, Action& chosen) {
  auto o = std::make_shared<InspectOptions>();
  CLI::App* command = app.add_subcommand("inspect", "Show what a model file holds and what running it costs");
  add_model_argument(*command, o->model);
  add_nested_size_option(*command, o->size);
  add_kv_type_option(*command, o->kv_type);
  command->add_flag("--tensors", o->tensors, "list every tensor");
  command->add_flag("--json", o->json, "print JSON, tensors included");
  command->footer(
      "Examples:\n"
      "  adder inspect\n"
      "  adder inspect model.gguf --tensors\n"
      "  adder inspect hf-directory --json | jq .bits_per_weight");
  command->callback([o, &chosen] { chosen = [o] { return inspect(*o); }; });
}

}  // namespace adder
