#include "apps/slice_request.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/arch/budget.h"
#include "make/compress/budget_search.h"
#include "make/plan/sensitivity.h"

namespace adder {
namespace {

constexpr int64_t kDefaultAlign = 64;

bool names_widths(const SliceRequest& r) {
  return r.d_model || r.d_ff || r.mamba_heads || r.mamba_head_dim || r.attention_heads || r.layers || !r.drop.empty();
}

Status check_ways(const SliceRequest& r) {
  const int ways = !r.child.empty() + !r.size.empty() + r.order_only + (!r.budget.empty() || names_widths(r));
  if (ways == 0)
    return Error::usage(
        "slice: which child? Say --child, --budget, --size, a width (--d-model, --d-ff, --mamba-heads...), --layers, "
        "or "
        "--order");
  if (ways > 1) return Error::usage("slice: --child, --size, --order and widths or a budget exclude each other");
  if (!r.scores.empty() && r.random) return Error::usage("slice: --scores and --random exclude each other");
  if (r.depth_only && r.budget.empty()) return Error::usage("slice: --depth-only is a way to meet a --budget");
  if (r.depth_only && names_widths(r))
    return Error::usage("slice: --depth-only and widths or layers exclude each other");
  if (!r.drop.empty() && r.layers) return Error::usage("slice: --layers and --drop exclude each other");
  if (!r.budget.empty() && (r.d_model || r.d_ff || r.mamba_heads))
    return Error::usage("slice: --budget finds d_model, d_ff and mamba_heads; give them or the budget");
  return {};
}

/// The scores of --scores, which must be of this model.
Result<std::optional<Scores>> read_scores(const SliceRequest& r, const BoundModel& model) {
  if (r.scores.empty()) return std::optional<Scores>();
  TRY_ASSIGN(Scores scores, Scores::read(r.scores, model.config));
  if (scores.model != model_fingerprint(model))
    return Error::usage("{}: these are scores of another model than {}", r.scores, model.file->path());
  return std::optional(std::move(scores));
}

Result<ChildShape> drop_layers(const SliceRequest& r, const ModelConfig& parent, const std::vector<int>& drop_list) {
  std::vector<int> dropped = r.drop;
  if (r.layers) {
    const int64_t n = parent.n_layers() - *r.layers;
    if (n < 0) return Error::usage("--layers {}: the model has {}", *r.layers, parent.n_layers());
    if (n > std::ssize(drop_list))
      return Error::usage("--layers {}: {} layers have to go, but {} are ranked; adder importance --rank {} ranks more",
                          *r.layers, n, drop_list.size(), n);
    dropped.assign(drop_list.begin(), drop_list.begin() + n);
  }
  std::ranges::sort(dropped);
  ChildShape child = whole(parent);
  child.dropped_layers = std::move(dropped);
  if (child.d_ff.size() > 1) child.d_ff = kept_ffn_widths(parent, child);
  return child;
}

Result<ChildShape> child_of_widths(const SliceRequest& r, const ModelConfig& parent,
                                   const std::vector<int>& drop_list) {
  if (r.depth_only) {
    TRY_ASSIGN(const int64_t parameters, parse_budget(r.budget, parameter_count(parent)));
    return depth_for_budget(parent, drop_list, parameters);
  }
  TRY_ASSIGN(ChildShape child, drop_layers(r, parent, drop_list));
  child.mamba_head_dim = r.mamba_head_dim.value_or(child.mamba_head_dim);
  child.attention_heads = r.attention_heads.value_or(child.attention_heads);
  if (!r.budget.empty()) {
    TRY_ASSIGN(const int64_t parameters, parse_budget(r.budget, parameter_count(parent)));
    return widths_for_budget(parent, child, parameters, r.align.value_or(kDefaultAlign));
  }
  child.d_model = r.d_model.value_or(child.d_model);
  child.mamba_heads = r.mamba_heads.value_or(child.mamba_heads);
  if (r.d_ff) child.d_ff = {*r.d_ff};
  return child;
}

Result<ChildShape> requested_child(const SliceRequest& r, const ModelConfig& parent, const std::vector<int>& drop_list,
                                   const std::optional<NestedRecord>& record) {
  if (r.order_only) return whole(parent);
  if (!r.child.empty()) return read_child(r.child, parent);
  if (r.size.empty()) return child_of_widths(r, parent, drop_list);
  std::vector<std::string> names;
  if (record)
    for (const NestedSize& size : record->sizes) {
      if (size.name == r.size) return size.child;
      names.push_back(size.name);
    }
  return Error::usage("--size {}: the model has {}", r.size,
                      names.empty() ? "no sizes with names" : fmt::format("{}", fmt::join(names, ", ")));
}

Status check_align(const SliceRequest& r, const ModelConfig& parent, const ChildShape& child) {
  if (!r.align) return {};
  const auto check = [&](Axis axis, int64_t width, bool is_cut) -> Status {
    if (!is_cut || width % *r.align == 0) return {};
    return Error::usage("{} is {}, no multiple of --align {}; {} and {} are", name(axis), width, *r.align,
                        width / *r.align * *r.align, (width / *r.align + 1) * *r.align);
  };
  TRY(check(Axis::kHidden, child.d_model, child.d_model != parent.hidden_size));
  const std::vector<int64_t> widths = kept_ffn_widths(parent, child);
  for (size_t i = 0; i < widths.size(); ++i) {
    const int64_t width = child.d_ff[child.d_ff.size() == 1 ? 0 : i];
    TRY(check(Axis::kFfn, width, width != widths[i]));
  }
  return {};
}

/// Whether only whole layers go, for which no order of anything else is needed.
bool keeps_all_widths(const ModelConfig& parent, const ChildShape& child) {
  ChildShape uncut = whole(parent);
  uncut.dropped_layers = child.dropped_layers;
  if (uncut.d_ff.size() > 1) uncut.d_ff = kept_ffn_widths(parent, child);
  return uncut == child;
}

}  // namespace

Result<int64_t> parse_budget(const std::string& text, int64_t whole) {
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(rest, static_cast<size_t>(text.data() + text.size() - rest));
  const bool is_share = unit == "%";
  const double scale = is_share                     ? static_cast<double>(whole)
                       : unit.empty()               ? 1
                       : unit == "k" || unit == "K" ? 1e3
                       : unit == "M"                ? 1e6
                       : unit == "B"                ? 1e9
                                                    : 0;
  const double parameters = std::floor(number * scale / (is_share ? 100 : 1));  // 100 % is all, to the last one
  if (error != std::errc() || scale == 0 || !(parameters >= 1) || parameters > 1e15)
    return Error::usage("--budget {}: expected a share like 45% or a number of parameters like 4B or 3.5M", text);
  return static_cast<int64_t>(parameters);
}

Result<ChosenChild> choose_child(const SliceRequest& r, const BoundModel& model) {
  TRY(check_ways(r));
  const ModelConfig& parent = model.config;
  TRY_ASSIGN(const std::optional<Scores> scores, read_scores(r, model));
  TRY_ASSIGN(const std::optional<NestedRecord> record, read_nested(*model.file, parent));
  const DepthBy depth = r.depth_by == "influence" ? DepthBy::kInfluence : DepthBy::kLogits;
  const auto order = [&](int64_t channels) {
    if (scores) return order_by_scores(parent, *scores, channels, depth);
    if (r.random) return random_order(parent, *r.random);
    NestedOrder own = unchanged_order(parent);
    if (record) own.drop_list = record->drop_list;
    return own;
  };

  ChosenChild chosen;
  TRY_ASSIGN(chosen.child, requested_child(r, parent, order(parent.mamba_head_dim).drop_list, record));
  TRY(child_config(parent, chosen.child));
  TRY(check_align(r, parent, chosen.child));
  const bool is_ordered = scores || r.random;
  if (r.order_only && !is_ordered) return Error::usage("slice --order: by what? Say --scores or --random");
  if (!r.order_only && chosen.child == whole(parent))
    return Error::usage("slice: this child keeps all that {} has; nothing was cut", model.file->path());
  if (!is_ordered && !record && !keeps_all_widths(parent, chosen.child))
    return Error::usage("{}: which parts are to stay? Say --scores or --random; the model is in no nested order",
                        model.file->path());
  chosen.order = order(chosen.child.mamba_head_dim);
  if (!is_ordered) chosen.record = record;
  chosen.recipe = fmt::format("slice {}{}", r.order_only ? "--order" : "--child " + to_json(chosen.child).dump(),
                              r.random ? fmt::format(" --random {}", *r.random)
                              : scores ? " --scores " + chosen.order.scores
                                       : "");
  return chosen;
}

void add_slice_request_options(CLI::App& command, SliceRequest& r) {
  command.add_option("--scores", r.scores, "order by these, from adder importance")->type_name("FILE");
  command.add_option("--random", r.random, "order by a draw instead, to compare with")->type_name("SEED");
  command.add_option("--depth-by", r.depth_by, "drop layers in the order of logits or of influence")
      ->check(CLI::IsMember({"logits", "influence"}))
      ->type_name("HOW")
      ->capture_default_str();
  command.add_flag("--order", r.order_only, "keep everything, in nested order: computes what the model computes");
  command.add_option("--child", r.child, "the child's shape, JSON")->type_name("FILE");
  command.add_option("--size", r.size, "a child that the model has a name for")->type_name("NAME");
  command.add_option("--budget", r.budget, "shrink all widths alike to so many parameters: 45%, 4B, 3.5M")
      ->type_name("SHARE");
  command.add_flag("--depth-only", r.depth_only, "meet the budget by dropping layers alone");
  command.add_option("--align", r.align, "widths are to be multiples of this (a budget's: 64 without)")
      ->check(CLI::IsMember({8, 16, 32, 64, 128, 256}));
  command.add_option("--layers", r.layers, "layers that stay; the first of the ranking go")->type_name("N");
  command.add_option("--drop", r.drop, "layers that go, by number, from 0")->delimiter(',')->type_name("I,J...");
  command.add_option("--d-model", r.d_model, "channels of the residual stream")->type_name("N");
  command.add_option("--d-ff", r.d_ff, "neurons of an FFN layer")->type_name("N");
  command.add_option("--mamba-heads", r.mamba_heads, "heads of a Mamba layer")->type_name("N");
  command.add_option("--mamba-head-dim", r.mamba_head_dim, "channels of a Mamba head")->type_name("N");
  command.add_option("--attention-heads", r.attention_heads, "heads of an attention layer")->type_name("N");
}

}  // namespace adder
