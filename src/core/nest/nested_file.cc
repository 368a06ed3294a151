#include "core/nest/nested_file.h"

#include <algorithm>
#include <cstring>

#include "core/arch/problems.h"
#include "core/base/byte_size.h"
#include "core/base/system_memory.h"
#include "core/formats/json.h"
#include "core/nest/column_runs.h"
#include "core/nest/slabs.h"

namespace adder {
namespace {

constexpr size_t kAlignment = 64;                         // of every joined tensor
constexpr std::ptrdiff_t kPieceBytes = int64_t{4} << 20;  // of the file that are in memory beside what is joined

/// Where the rows or columns of the whole are in a model that has `kept` of them.
std::vector<int64_t> places(const std::vector<int64_t>& kept, int64_t n) {
  std::vector<int64_t> places(static_cast<size_t>(n), -1);
  for (size_t i = 0; i < kept.size(); ++i) places[static_cast<size_t>(kept[i])] = static_cast<int64_t>(i);
  return places;
}

/// Puts the tensors of one size together.
class Joiner {
 public:
  Joiner(const Gguf& file, const ModelConfig& whole, const std::vector<NestedSize>& sizes, size_t size)
      : file_(file), cutter_(whole, sizes), size_(size) {
    const std::vector<int> kept = kept_layers(whole, sizes[size].child);
    for (const TensorSpec& spec : tensor_specs(whole)) {
      const bool is_kept = spec.layer < 0 || std::ranges::count(kept, spec.layer) > 0;
      if (is_kept) parts_.push_back({spec, {}});
    }
  }

  /// Looks at the list of tensors only.
  Status check() {
    Problems problems;
    for (Part& part : parts_) check(part, problems);
    return problems.status(ErrorCode::kCorrupt, file_.path());
  }

  /// An embedding that is read a row at a time, of slabs that lie side by side, is left in these.
  void leave_rows_apart(BoundModel& model) const {
    const auto table = std::ranges::find(model.tensors, Role::kEmbedding, [](const auto& t) { return t.spec.role; });
    if (!table->is_joined || model.config.tie_word_embeddings) return;
    const Part& part = parts_[static_cast<size_t>(table - model.tensors.begin())];
    std::vector<TensorView> pieces;
    int64_t next = 0;
    for (const Slab& slab : cutter_.slabs(part.spec, size_)) {
      const std::vector<ColumnRun> runs = targets(part, slab);
      if (std::ssize(slab.rows) != table->view.shape.rows() || runs.size() != 1 || runs[0].begin != next) return;
      next += runs[0].length;
      pieces.push_back(*file_.find_tensor(slab.name));
    }
    table->pieces = std::move(pieces);
    table->is_joined = false;
  }

  /// What the file has in one piece stays there.
  Status join(BoundModel& model) const {
    size_t bytes = 0;
    for (const BoundTensor& tensor : model.tensors)
      if (tensor.is_joined) bytes += padded(tensor.view.bytes());
    std::shared_ptr<std::byte> memory = bytes > 0 ? system_memory(bytes) : nullptr;
    if (bytes > 0 && !memory)
      return Error::too_large("out of memory for {}", byte_size_text(static_cast<int64_t>(bytes)));
    std::byte* next = memory.get();
    for (size_t i = 0; i < parts_.size(); ++i) {
      BoundTensor& tensor = model.tensors[i];
      if (!tensor.pieces.empty()) continue;
      if (!tensor.is_joined) {
        tensor.view.data = file_.find_tensor(tensor.name)->data;
        continue;
      }
      tensor.view.data = next;
      join(parts_[i], next);
      next += padded(tensor.view.bytes());
    }
    model.joined = std::move(memory);
    return {};
  }

  /// The tensors of the model, without their data.
  std::vector<BoundTensor> tensors(const ModelConfig& config) const {
    std::vector<BoundTensor> tensors;
    for (TensorSpec& spec : tensor_specs(config)) {
      const Part& part = parts_[tensors.size()];
      const TensorView view{part.dtype, spec.shape, nullptr};
      tensors.push_back({.spec = std::move(spec),
                         .view = view,
                         .name = part.spec.gguf_name,
                         .is_joined = cutter_.slabs(part.spec, size_).size() > 1});
    }
    return tensors;
  }

 private:
  struct Part {
    TensorSpec spec;  // of the whole
    DType dtype;
  };
  static size_t padded(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

  void check(Part& part, Problems& problems) {
    const TensorView* const core = file_.find_tensor(part.spec.gguf_name);
    if (!core) return problems.add("tensor {} is missing", part.spec.gguf_name);
    part.dtype = core->dtype;
    const bool is_plain = core->dtype == DType::kF32 || core->dtype == DType::kF16 || core->dtype == DType::kBF16;
    if (!is_plain && !part.spec.is_matrix)
      return problems.add("tensor {} has type {}, expected F32, F16 or BF16", part.spec.gguf_name, name(core->dtype));
    for (const Slab& slab : cutter_.slabs(part.spec, size_)) {
      const TensorView* const found = file_.find_tensor(slab.name);
      if (!found || found->dtype != part.dtype || found->shape != slab.shape())
        problems.add("tensor {} {} of {} is missing or another", slab.name, to_string(slab.shape()), name(part.dtype));
      else if (!fall_in_blocks(targets(part, slab), info(part.dtype).block_size))
        problems.add("tensor {} is cut inside blocks of {}", slab.name, name(part.dtype));
    }
  }

  /// The columns that a slab has in the joined tensor.
  std::vector<ColumnRun> targets(const Part& part, const Slab& slab) const {
    const std::vector<int64_t> at = places(cutter_.kept(part.spec, size_).cols, part.spec.shape.row_length());
    std::vector<int64_t> columns;
    for (const int64_t column : slab.cols) columns.push_back(at[static_cast<size_t>(column)]);
    return column_runs(columns, std::ssize(columns));
  }

  void join(const Part& part, std::byte* out) const {
    const Slab kept = cutter_.kept(part.spec, size_);
    const std::vector<int64_t> row_at = places(kept.rows, part.spec.shape.rows());
    const size_t row_bytes = storage_bytes(part.dtype, std::ssize(kept.cols));
    for (const Slab& slab : cutter_.slabs(part.spec, size_)) {
      const std::vector<ColumnRun> runs = targets(part, slab);
      const TensorView& view = *file_.find_tensor(slab.name);
      const std::byte* kept_from = view.data;  // what is in memory of the file
      for (size_t r = 0; r < slab.rows.size(); ++r) {
        const std::byte* from = view.row(static_cast<int64_t>(r));
        std::byte* const row = out + static_cast<size_t>(row_at[static_cast<size_t>(slab.rows[r])]) * row_bytes;
        for (const ColumnRun& run : runs) {
          const size_t bytes = storage_bytes(part.dtype, run.length);
          std::memcpy(row + storage_bytes(part.dtype, run.begin), from, bytes);
          from += bytes;
        }
        const std::byte* const end = view.row(static_cast<int64_t>(r) + 1);
        if (end - kept_from < kPieceBytes && r + 1 < slab.rows.size()) continue;
        file_.release_pages({kept_from, end});
        kept_from = end;
      }
    }
  }

  const Gguf& file_;
  SlabCutter cutter_;
  size_t size_;
  std::vector<Part> parts_;
};

}  // namespace

bool is_nested_file(const ModelFile& file) {
  return file.gguf() && file.gguf()->find(kNestedNamesKey);
}

Result<std::vector<NestedSize>> read_sizes(const Gguf& file, const ModelConfig& whole_config) {
  TRY_ASSIGN(const std::vector<std::string> names, file.texts(kNestedNamesKey));
  TRY_ASSIGN(const std::vector<std::string> shapes, file.texts(kNestedShapesKey));
  if (names.empty() || names.size() != shapes.size())
    return Error::corrupt("{}: {} names and {} shapes of sizes", file.path(), names.size(), shapes.size());
  std::vector<NestedSize> sizes;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string where = fmt::format("{}: size {}", file.path(), names[i]);
    TRY_ASSIGN(const nlohmann::json object, parse_json(shapes[i], where));
    auto child = child_from_json(object, whole_config);
    if (!child) return Error::corrupt("{}: {}", where, child.error().message());
    sizes.push_back({names[i], std::move(child).value()});
    if (i > 0 && !contains(whole_config, sizes[i].child, sizes[i - 1].child))
      return Error::corrupt("{} does not contain size {}", where, names[i - 1]);
  }
  if (sizes.back().child != whole(whole_config))
    return Error::corrupt("{}: the last size, {}, is not the whole", file.path(), names.back());
  return sizes;
}

Result<BoundModel> bind_size(std::shared_ptr<const ModelFile> file, const std::string& size, Join join) {
  if (size.empty()) return bind(std::move(file));
  if (!is_nested_file(*file)) return Error::usage("{}: one size only, so there is no size {}", file->path(), size);
  const Gguf& gguf = *file->gguf();
  TRY_ASSIGN(const ModelConfig whole_config, read_config(*file));
  TRY_ASSIGN(const std::vector<NestedSize> sizes, read_sizes(gguf, whole_config));
  const auto chosen = std::ranges::find(sizes, size, &NestedSize::name);
  if (chosen == sizes.end()) {
    std::vector<std::string> names;
    for (const NestedSize& known : sizes) names.push_back(known.name);
    return Error::usage("{}: no size {}; there are {}", file->path(), size, fmt::join(names, ", "));
  }
  BoundModel model;
  TRY_ASSIGN(model.config, child_config(whole_config, chosen->child));
  Joiner joiner(gguf, whole_config, sizes, static_cast<size_t>(chosen - sizes.begin()));
  TRY(joiner.check());
  model.tensors = joiner.tensors(model.config);
  model.is_part = true;
  if (join == Join::kToRun) joiner.leave_rows_apart(model);
  if (join != Join::kShapesOnly) {
    if (auto joined = joiner.join(model); !joined) return std::move(joined).error().in(file->path());
  }
  model.file = std::move(file);
  return model;
}

Result<BoundModel> bind_whole(std::shared_ptr<const ModelFile> file, Join join) {
  const std::string size(is_nested_file(*file) ? kWholeSize : "");
  return bind_size(std::move(file), size, join);
}

}  // namespace adder
