#include "make/compress/slice.h"

#include <algorithm>

#include "core/arch/config_gguf.h"
#include "core/nest/column_runs.h"
#include "core/quant/codec.h"
#include "make/compress/hash_model.h"
#include "make/convert/hf_texts.h"
#include "make/convert/output_types.h"
#include "make/quantize/carried_metadata.h"

namespace adder {
namespace {

/// Elements of the child in memory at a time.
constexpr int64_t kElementsPerStep = int64_t{1} << 21;

/// What a GGUF file of the child says beside its config: the parent's words but those on its shape and its tensors.
Result<std::vector<GgufEntry>> childs_metadata(const BoundModel& parent, const SlicePlan& plan) {
  TRY_ASSIGN(std::vector<GgufEntry> metadata, carried_metadata(parent));
  std::vector<std::string> of_config;
  for (const GgufEntry& entry : gguf_metadata(parent.config)) of_config.push_back(entry.key);
  std::erase_if(metadata, [&](const GgufEntry& entry) { return std::ranges::count(of_config, entry.key) > 0; });

  const auto types = std::ranges::find(metadata, kHfTypesKey, &GgufEntry::key);
  if (types != metadata.end()) {
    const auto* const names = std::get_if<std::vector<std::string>>(&types->value);
    std::vector<std::string> kept;
    if (names && names->size() == parent.tensors.size())
      for (const size_t source : plan.sources) kept.push_back((*names)[source]);
    types->value = std::move(kept);
  }
  TRY(set_nested(metadata, plan.record));
  if (const MixInfo* mix = plain_mix(plan.types.front()))
    metadata.push_back(gguf_u32("general.file_type", mix->file_type));
  return metadata;
}

Result<CheckpointWriter> open_child(const BoundModel& parent, const SlicePlan& plan,
                                    const std::filesystem::path& output, const std::string& recipe,
                                    uint64_t split_bytes) {
  auto steps = steps_from(*parent.file, recipe);
  if (layout_of(output) == Layout::kGguf) {
    TRY_ASSIGN(const auto metadata, childs_metadata(parent, plan));
    return CheckpointWriter::gguf(output, plan.config, plan.types, metadata, std::move(steps), split_bytes);
  }
  TRY_ASSIGN(HfFiles texts, hf_texts(*parent.file));
  for (const char* other_spelling : {"layers_block_type", "layer_types"}) texts.config.erase(other_spelling);
  set_nested(texts.config, plan.record);
  return CheckpointWriter::hugging_face(output, plan.config, plan.types, std::move(texts), std::move(steps));
}

class Slicer {
 public:
  Slicer(const BoundModel& parent, const SlicePlan& plan, CheckpointWriter& writer, const SliceOptions& options)
      : parent_(parent),
        plan_(plan),
        writer_(writer),
        options_(options),
        total_(plan.parent.bytes + plan.child.bytes) {}

  Status write(size_t i) {
    const BoundTensor& source = parent_.tensors[plan_.sources[i]];
    const TensorSpec& spec = writer_.specs()[i];
    const Selection selection = plan_.selector.of(source.spec);
    if (spec.role == Role::kA) return write_a(source, selection);

    const std::vector<ColumnRun> runs = column_runs(selection.cols, spec.shape.row_length());
    const int64_t rows = spec.shape.rows();
    const int64_t step = std::max(int64_t{1}, kElementsPerStep / spec.shape.row_length());
    for (int64_t begin = 0; begin < rows; begin += step) {
      const int64_t end = std::min(rows, begin + step);
      part_.clear();
      for (int64_t r = begin; r < end; ++r)
        TRY(add_row(source, selection.rows.empty() ? r : selection.rows[static_cast<size_t>(r)], runs, i));
      if (const auto bad = find_non_finite(plan_.types[i], part_.data(), (end - begin) * spec.shape.row_length()))
        return Error::corrupt("{}: tensor {}: a number in row {} of the child is not finite", parent_.file->path(),
                              source.name, begin + *bad / spec.shape.row_length());
      TRY(writer_.write_part(part_));
      TRY(report(part_.size()));
    }
    parent_.file->release_pages(source.view.span());
    return {};
  }

  Status report(uint64_t bytes) {
    done_ += bytes;
    if (!options_.progress) return {};
    return options_.progress(static_cast<double>(done_) / static_cast<double>(total_));
  }

 private:
  /// Appends the columns of row `row` of the parent's tensor, as the type of the child's tensor i.
  Status add_row(const BoundTensor& source, int64_t row, const std::vector<ColumnRun>& runs, size_t i) {
    const DType from = source.view.dtype, to = plan_.types[i];
    if (from == to) {
      append_columns(source.view, row, runs, part_);
      return {};
    }
    whole_row_.resize(static_cast<size_t>(source.view.shape.row_length()));
    decode(from, source.view.row(row), whole_row_);
    row_.clear();
    for (const ColumnRun& run : runs)
      row_.insert(row_.end(), whole_row_.begin() + run.begin, whole_row_.begin() + run.begin + run.length);
    const size_t at = part_.size();
    part_.resize(at + storage_bytes(to, std::ssize(row_)));
    if (auto done = encode(to, row_, {}, part_.data() + at); !done)
      return std::move(done).error().in(fmt::format("{}: tensor {}", parent_.file->path(), source.name));
    return {};
  }

  Status write_a(const BoundTensor& source, const Selection& selection) {
    std::vector<float> values(static_cast<size_t>(source.view.shape.elements()));
    decode(source.view.dtype, source.view.data, values);
    std::vector<float> kept;
    for (const ColumnRun& run : column_runs(selection.cols, std::ssize(values)))
      kept.insert(kept.end(), values.begin() + run.begin, values.begin() + run.begin + run.length);
    if (auto done = writer_.write(kept, source.is_a_log ? AForm::kALog : AForm::kA); !done)
      return std::move(done).error().in(parent_.file->path());
    return report(storage_bytes(source.view.dtype, std::ssize(kept)));
  }

  const BoundModel& parent_;
  const SlicePlan& plan_;
  CheckpointWriter& writer_;
  const SliceOptions& options_;
  uint64_t done_ = 0, total_;
  std::vector<std::byte> part_;
  std::vector<float> whole_row_, row_;
};

}  // namespace

Result<std::vector<std::filesystem::path>> slice(const BoundModel& parent, const SlicePlan& plan,
                                                 const std::filesystem::path& output, const std::string& recipe,
                                                 const SliceOptions& options) {
  TRY(check_output(parent.file->path(), output, options.split_bytes));
  TRY_ASSIGN(CheckpointWriter writer, open_child(parent, plan, output, recipe, options.split_bytes));
  Slicer slicer(parent, plan, writer, options);
  TRY_ASSIGN(std::string source, hash_model(parent, [&](uint64_t bytes) { return slicer.report(bytes); }));
  for (size_t i = 0; i < plan.sources.size(); ++i) TRY(slicer.write(i));
  writer.set_source(std::move(source));
  TRY(writer.finish());
  return writer.paths();
}

}  // namespace adder
