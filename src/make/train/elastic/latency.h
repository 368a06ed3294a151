#pragma once

#include "make/train/base/torch.h"

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/arch/config.h"

namespace adder {

/// How long parts of a model took for one token on some machine, at some sizes. A JSON object, times in microseconds:
///     {"mamba":     {"hidden": [160, 224], "width": [4, 8], "us": [[10, 18], [13, 24]]},     rows: hidden
///      "attention": {...}, "mlp": {...},                          width: heads, heads, neurons
///      "head":      {"hidden": [160, 224], "us": [[90], [120]]}}                              no width
/// Between the sizes it is interpolated linearly in both, beyond them extended from the nearest two.
class LatencyTable {
 public:
  /// kCorrupt, naming the place, unless every part is there with at least two ascending sizes on each of its axes, and
  /// times above 0 for all of them.
  static Result<LatencyTable> parse(const nlohmann::json& json);
  static Result<LatencyTable> read(const std::filesystem::path& path);

  torch::Tensor layer(LayerKind kind, const torch::Tensor& hidden, const torch::Tensor& width) const;
  torch::Tensor head(const torch::Tensor& hidden) const;

 private:
  struct Grid {
    std::vector<double> hidden, width;  // width is empty for the head
    std::vector<std::vector<double>> us;
  };
  static Result<Grid> parse_grid(const nlohmann::json& json, std::string_view part, bool has_width);

  std::array<Grid, 4> grids_;  // Mamba, attention, MLP, head
};

}  // namespace adder
