#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/arch/bind.h"
#include "make/compress/nested.h"
#include "make/compress/order.h"

namespace adder {

/// Which child of a model the command line asks for, and in which order parts are kept.
struct SliceRequest {
  std::string scores, depth_by = "logits";
  std::optional<uint64_t> random;

  bool order_only = false;
  std::string child, size, budget;
  bool depth_only = false;
  std::optional<int64_t> align, layers, d_model, d_ff, mamba_heads, mamba_head_dim, attention_heads;
  std::vector<int> drop;
};

void add_slice_request_options(CLI::App& command, SliceRequest& request);

/// Decided, and checked against the model.
struct ChosenChild {
  ChildShape child;
  NestedOrder order;
  std::optional<NestedRecord> record;  ///< the model's, where the order is the model's own
  std::string recipe;                  ///< for the receipt
};

/// Errors (kUsage): nothing asked for, or two things that exclude each other; widths to cut without an order; more
/// layers to drop than are ranked; widths that are no multiples of --align; a child that keeps everything; scores of
/// another model; and those of files and of child_config.
Result<ChosenChild> choose_child(const SliceRequest& request, const BoundModel& model);

/// "45%" of `whole`, or a number of parameters: "3973556832", "4B", "3.5M".
Result<int64_t> parse_budget(const std::string& text, int64_t whole);

}  // namespace adder
