#include "make/train/loop/recipe.h"

#include <toml++/toml.h>
#include <set>

#include "core/base/atomic_file.h"

namespace adder {
namespace {

std::string dotted(std::string_view table, std::string_view key) {
  return table.empty() ? std::string(key) : fmt::format("{}.{}", table, key);
}

/// Collects the fields and everything that is wrong with them.
class Reader {
 public:
  explicit Reader(const toml::table& root) : root_(root) {}

  template <class T>
  void operator()(std::string_view table, std::string_view key, T& field) {
    const std::string name = dotted(table, key);
    known_.insert(name);
    const toml::node_view<const toml::node> node = root_.at_path(name);
    if (!node) {
      problems_.push_back(fmt::format("'{}' is missing", name));
    } else if (!read(node, field)) {
      problems_.push_back(fmt::format("'{}' has the wrong type or sign", name));
    }
  }

  Status finish(std::string_view file) {
    for (const auto& [key, node] : root_) {
      if (const toml::table* table = node.as_table()) {
        for (const auto& [inner, value] : *table) refuse_unknown(dotted(key.str(), inner.str()));
      } else {
        refuse_unknown(std::string(key.str()));
      }
    }
    if (problems_.empty()) return {};
    return Error::usage("{}: {}", file, fmt::join(problems_, "; "));
  }

 private:
  using Node = toml::node_view<const toml::node>;
  static bool read(const Node& node, std::string& field) {
    const auto value = node.value_exact<std::string>();
    if (value) field = *value;
    return value.has_value();
  }
  static bool read(const Node& node, int64_t& field) {
    const auto value = node.value_exact<int64_t>();
    if (value) field = *value;
    return value && *value >= 0;
  }
  static bool read(const Node& node, uint64_t& field) {
    int64_t value = 0;
    if (!read(node, value)) return false;
    field = static_cast<uint64_t>(value);
    return true;
  }
  static bool read(const Node& node, double& field) {
    const auto value = node.value<double>();
    if (value) field = *value;
    return node.is_number() && field >= 0;
  }
  static bool read(const Node& node, std::vector<int64_t>& field) {
    const toml::array* array = node.as_array();
    if (!array) return false;
    for (const toml::node& item : *array) {
      const auto value = item.value_exact<int64_t>();
      if (!value) return false;
      field.push_back(*value);
    }
    return true;
  }
  void refuse_unknown(const std::string& name) {
    if (!known_.contains(name)) problems_.push_back(fmt::format("'{}' is no key of a recipe", name));
  }

  const toml::table& root_;
  std::set<std::string> known_;
  std::vector<std::string> problems_;
};

Status check(const Recipe& r, std::string_view file) {
  std::vector<std::string> problems;
  const auto demand = [&](bool holds, const char* what) {
    if (!holds) problems.emplace_back(what);
  };
  demand(r.optimizer == "adamw" || r.optimizer == "muon", "optimizer.kind is not adamw or muon");
  demand(r.schedule == "wsd" || r.schedule == "cosine", "schedule.kind is not wsd or cosine");
  demand(r.chunk > 0 && r.seq_len > 0 && r.seq_len % r.chunk == 0, "train.seq_len is not a multiple of train.chunk");
  demand(r.lanes > 0 && r.micro_batch > 0 && r.batch > 0 && r.batch % (r.lanes * r.micro_batch) == 0,
         "train.batch is not a multiple of lanes x micro_batch");
  demand(r.beta1 < 1 && r.beta2 < 1, "a beta is not below 1");
  demand(r.schedule != "cosine" || r.total_steps > r.warmup_steps, "schedule.total_steps is not past the warm-up");
  if (problems.empty()) return {};
  return Error::usage("{}: {}", file, fmt::join(problems, "; "));
}

}  // namespace

Result<Recipe> parse_recipe(std::string_view text, std::string_view name) {
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return Error::corrupt("{}: line {}: {}", name, error.source().begin.line, error.description());
  }
  Recipe recipe;
  Reader reader(root);
  Recipe::visit(recipe, reader);
  TRY(reader.finish(name));
  TRY(check(recipe, name));
  return recipe;
}

Result<Recipe> read_recipe(const std::filesystem::path& path) {
  TRY_ASSIGN(const std::string text, read_file(path, 1 << 20));
  return parse_recipe(text, path.string());
}

Result<ModelConfig> model_config(const Recipe& r) {
  ModelConfig config;
  TRY_ASSIGN(config.layers, parse_pattern(r.pattern, r.intermediate_size, r.num_key_value_heads));
  config.vocab_size = r.vocab_size;
  config.hidden_size = r.hidden_size;
  config.num_attention_heads = r.num_attention_heads;
  config.head_dim = r.head_dim;
  config.mamba_num_heads = r.mamba_num_heads;
  config.mamba_head_dim = r.mamba_head_dim;
  config.ssm_state_size = r.ssm_state_size;
  config.n_groups = r.n_groups;
  config.conv_kernel = r.conv_kernel;
  config.max_position_embeddings = r.max_position_embeddings;
  TRY(validate(config));
  return config;
}

}  // namespace adder
