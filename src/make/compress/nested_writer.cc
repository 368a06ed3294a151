#include "make/compress/nested_writer.h"

#include <algorithm>

#include "core/arch/receipt.h"
#include "core/formats/gguf_writer.h"
#include "core/nest/column_runs.h"
#include "core/nest/nested_file.h"
#include "core/nest/slabs.h"
#include "make/compress/budget_search.h"
#include "make/compress/hash_model.h"
#include "make/compress/nested.h"
#include "make/quantize/carried_metadata.h"

namespace adder {
namespace {

constexpr int64_t kElementsPerStep = int64_t{1} << 21;

/// From the smallest to the whole.
Result<std::vector<NestedSize>> in_order(const BoundModel& parent, std::vector<NestedSize> sizes) {
  if (sizes.empty()) return Error::usage("a nested file of no sizes but the whole");
  std::vector<std::pair<int64_t, NestedSize>> sorted;
  for (NestedSize& size : sizes) {
    if (size.name.empty() || size.name == kWholeSize)
      return Error::usage("a size of the name '{}', expected any but '{}', which is the whole", size.name, kWholeSize);
    TRY_ASSIGN(const ModelConfig config, child_config(parent.config, size.child));
    sorted.emplace_back(parameters_by_formula(config), std::move(size));
  }
  std::ranges::stable_sort(sorted, {}, &std::pair<int64_t, NestedSize>::first);
  sizes.clear();
  for (auto& [parameters, size] : sorted) {
    if (std::ranges::count(sizes, size.name, &NestedSize::name) > 0)
      return Error::usage("two sizes of the name {}", size.name);
    if (!sizes.empty() && !contains(parent.config, size.child, sizes.back().child))
      return Error::usage("size {} does not contain size {} on every axis", size.name, sizes.back().name);
    sizes.push_back(std::move(size));
  }
  sizes.push_back({std::string(kWholeSize), whole(parent.config)});
  return sizes;
}

Status set_metadata(const BoundModel& parent, const std::vector<NestedSize>& sizes, const std::string& recipe,
                    const std::string& model_hash, GgufWriter& writer) {
  TRY_ASSIGN(const std::vector<GgufEntry> metadata, carried_metadata(parent));
  for (const GgufEntry& entry : metadata)
    if (!is_of_one_file(entry.key)) writer.set(entry);
  std::vector<std::string> names, shapes;
  for (const NestedSize& size : sizes) {
    names.push_back(size.name);
    shapes.push_back(to_json(size.child).dump());
  }
  writer.set_texts(std::string(kNestedNamesKey), std::move(names));
  writer.set_texts(std::string(kNestedShapesKey), std::move(shapes));

  std::vector<TensorSpec> specs;
  std::vector<DType> types;
  for (const BoundTensor& tensor : parent.tensors) {
    specs.push_back(tensor.spec);
    types.push_back(tensor.view.dtype);
  }
  Receipt receipt = make_receipt(specs, types, steps_from(*parent.file, recipe));
  receipt.steps.back().source = receipt.model_hash = model_hash;  // the same model, cut up
  for (GgufEntry& entry : gguf_entries(receipt)) writer.set(std::move(entry));
  return {};
}

Status write_slab(const BoundTensor& tensor, const Slab& slab, GgufWriter& writer) {
  const std::vector<ColumnRun> runs = column_runs(slab.cols, std::ssize(slab.cols));
  const auto step = static_cast<size_t>(std::max(int64_t{1}, kElementsPerStep / std::ssize(slab.cols)));
  for (size_t begin = 0; begin < slab.rows.size(); begin += step) {
    std::vector<std::byte> part;
    for (size_t i = begin; i < std::min(slab.rows.size(), begin + step); ++i)
      append_columns(tensor.view, slab.rows[i], runs, part);
    TRY(writer.write_part(part));
  }
  return {};
}

}  // namespace

Status write_nested_file(const BoundModel& parent, std::vector<NestedSize> given, const std::filesystem::path& output,
                         const std::string& recipe, const std::function<Status(double done)>& progress) {
  if (!parent.file->gguf())
    return Error::usage("{}: a nested file is made from GGUF, which convert makes", parent.file->path());
  TRY_ASSIGN(const auto record, read_nested(*parent.file, parent.config));
  if (!record) return Error::usage("{}: in no nested order, which slice --order makes", parent.file->path());
  TRY_ASSIGN(const std::vector<NestedSize> sizes, in_order(parent, std::move(given)));

  const SlabCutter cutter(parent.config, sizes);
  GgufWriter writer;
  writer.seal();
  uint64_t total = 0, done = 0;
  std::vector<std::vector<Slab>> slabs;
  for (const BoundTensor& tensor : parent.tensors) {
    total += 2 * tensor.view.bytes();  // read for its hash, and again to be written
    slabs.push_back(cutter.slabs(tensor.spec, sizes.size() - 1));
    for (const Slab& slab : slabs.back()) {
      if (!fall_in_blocks(column_runs(slab.cols, std::ssize(slab.cols)), info(tensor.view.dtype).block_size))
        return Error::usage("{}: the sizes cut columns of {} inside blocks of {}", parent.file->path(), tensor.name,
                            name(tensor.view.dtype));
      writer.add_tensor(slab.name, tensor.view.dtype, slab.shape());
    }
  }
  const auto report = [&](uint64_t bytes) -> Status {
    done += bytes;
    return progress ? progress(static_cast<double>(done) / static_cast<double>(total)) : Status();
  };
  TRY_ASSIGN(const std::string hash, hash_model(parent, report));
  TRY(set_metadata(parent, sizes, recipe, hash, writer));
  TRY(writer.begin(output));
  for (size_t i = 0; i < parent.tensors.size(); ++i) {
    const TensorView& view = parent.tensors[i].view;
    for (const Slab& slab : slabs[i]) TRY(write_slab(parent.tensors[i], slab, writer));
    parent.file->release_pages(view.span());
    TRY(report(view.bytes()));
  }
  return writer.finish();
}

}  // namespace adder
