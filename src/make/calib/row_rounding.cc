#include "make/calib/row_rounding.h"

#include "core/quant/codec.h"
#include "core/quant/levels.h"

namespace adder {

Status RowRounding::encode(DType type, std::span<const float> rows, int64_t first_row, std::byte* out) const {
  if (compensation && has_levels(type)) return compensation->encode(type, rows, first_row, out);
  const auto columns = static_cast<size_t>(width);
  for (int64_t row = first_row; !rows.empty(); ++row, rows = rows.subspan(columns), out += storage_bytes(type, width))
    if (auto done = adder::encode(type, rows.first(columns), importance, out); !done)
      return std::move(done).error().in(fmt::format("row {}", row));
  return {};
}

double RowRounding::squared(std::span<const float> row) const {
  if (compensation) return compensation->squared(row);
  double sum = 0;
  for (size_t c = 0; c < row.size(); ++c)
    sum += (importance.empty() ? 1.0 : importance[c]) * static_cast<double>(row[c]) * row[c];
  return sum;
}

Result<RowRounding> row_rounding(const Imatrix* imatrix, const TensorSpec& spec) {
  RowRounding rounding{.width = spec.shape.row_length()};
  if (imatrix == nullptr || !spec.is_matrix) return rounding;
  TRY_ASSIGN(rounding.importance, imatrix->importance(spec));
  const auto gram = imatrix->grams.find(spec.gguf_name);
  if (gram == imatrix->grams.end()) return rounding;
  auto compensation = Compensation::from_gram(gram->second.values, spec.shape.row_length(), gram->second.block);
  if (!compensation) return std::move(compensation).error().in(spec.gguf_name);
  rounding.compensation = std::make_shared<const Compensation>(*std::move(compensation));
  return rounding;
}

}  // namespace adder
