#include "make/train/elastic/latency.h"

#include <algorithm>

#include "core/formats/json.h"

namespace adder {
namespace {

using nlohmann::json;

Result<std::vector<double>> numbers(const json& list, std::string_view what) {
  std::vector<double> values;
  const bool good = list.is_array() && std::ranges::all_of(list, [](const json& item) { return item.is_number(); });
  if (!good) return Error::corrupt("{}: expected a list of numbers", what);
  for (const json& item : list) values.push_back(item.get<double>());
  return values;
}

Result<std::vector<double>> sizes(const json& list, std::string_view what) {
  TRY_ASSIGN(std::vector<double> values, numbers(list, what));
  const bool ascends = std::ranges::adjacent_find(values, std::ranges::greater_equal()) == values.end();
  if (values.size() < 2 || !ascends) return Error::corrupt("{}: expected two or more ascending sizes", what);
  return values;
}

/// The cell of `axis` that holds `value`, or the nearest, and how far into it the value is.
struct Between {
  size_t cell;
  torch::Tensor part;
};
Between between(const std::vector<double>& axis, const torch::Tensor& value) {
  const auto above = std::ranges::upper_bound(axis, value.item<double>()) - axis.begin();
  const auto cell = static_cast<size_t>(std::clamp<std::ptrdiff_t>(above - 1, 0, std::ssize(axis) - 2));
  return {cell, (value - axis[cell]) / (axis[cell + 1] - axis[cell])};
}

}  // namespace

Result<LatencyTable::Grid> LatencyTable::parse_grid(const json& object, std::string_view part, bool has_width) {
  if (!object.is_object()) return Error::corrupt("{} is missing or no object", part);
  Grid grid;
  TRY_ASSIGN(grid.hidden, sizes(json_member(object, "hidden"), fmt::format("{}.hidden", part)));
  if (has_width) {
    TRY_ASSIGN(grid.width, sizes(json_member(object, "width"), fmt::format("{}.width", part)));
  }
  const json& rows = json_member(object, "us");
  if (!rows.is_array() || rows.size() != grid.hidden.size()) {
    return Error::corrupt("{}.us: expected {} rows, one for each hidden size", part, grid.hidden.size());
  }
  for (const json& row : rows) {
    TRY_ASSIGN(std::vector<double> times, numbers(row, fmt::format("{}.us", part)));
    if (times.size() != (has_width ? grid.width.size() : 1) || std::ranges::min(times) <= 0) {
      return Error::corrupt("{}.us: expected {} times above 0 in every row", part, has_width ? grid.width.size() : 1);
    }
    grid.us.push_back(std::move(times));
  }
  return grid;
}

Result<LatencyTable> LatencyTable::parse(const json& object) {
  LatencyTable table;
  constexpr std::array<std::string_view, 4> kParts = {"mamba", "attention", "mlp", "head"};
  for (size_t i = 0; i < kParts.size(); ++i) {
    TRY_ASSIGN(table.grids_[i], parse_grid(json_member(object, kParts[i]), kParts[i], kParts[i] != "head"));
  }
  return table;
}

Result<LatencyTable> LatencyTable::read(const std::filesystem::path& path) {
  TRY_ASSIGN(const json object, read_json(path));
  auto table = parse(object);
  if (!table) return std::move(table).error().in(path.string());
  return table;
}

torch::Tensor LatencyTable::layer(LayerKind kind, const torch::Tensor& hidden, const torch::Tensor& width) const {
  const Grid& grid = grids_[kind == LayerKind::kMamba ? 0 : kind == LayerKind::kAttention ? 1 : 2];
  const Between row = between(grid.hidden, hidden), column = between(grid.width, width);
  const auto across = [&](size_t r) {
    return grid.us[r][column.cell] * (1 - column.part) + grid.us[r][column.cell + 1] * column.part;
  };
  return across(row.cell) * (1 - row.part) + across(row.cell + 1) * row.part;
}

torch::Tensor LatencyTable::head(const torch::Tensor& hidden) const {
  const Grid& grid = grids_[3];
  const Between row = between(grid.hidden, hidden);
  return grid.us[row.cell][0] * (1 - row.part) + grid.us[row.cell + 1][0] * row.part;
}

}  // namespace adder
