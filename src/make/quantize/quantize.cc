#include "make/quantize/quantize.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <optional>
#include <system_error>

#include "core/arch/bind.h"
#include "core/arch/checkpoint_writer.h"
#include "core/arch/config_gguf.h"
#include "core/formats/seal.h"
#include "core/quant/codec.h"
#include "core/quant/levels.h"
#include "make/calib/row_rounding.h"
#include "make/quantize/carried_metadata.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// Elements between two reports of progress: some tenths of a second.
constexpr int64_t kElementsPerStep = int64_t{1} << 22;

Status check_paths(const fs::path& input, const fs::path& output) {
  std::error_code ignored;
  if (fs::equivalent(input, output, ignored))
    return Error::usage("{}: input and output are the same file", output.string());
  if (fs::is_directory(output, ignored))
    return Error::usage("{}: a directory, expected the name of a GGUF file to write", output.string());
  return {};
}

Result<std::vector<GgufEntry>> output_metadata(const BoundModel& model, uint32_t file_type) {
  TRY_ASSIGN(auto metadata, carried_metadata(model));
  metadata.push_back(gguf_u32("general.quantization_version", 2));
  metadata.push_back(gguf_u32("general.file_type", file_type));
  return metadata;
}

/// The command, for the receipt: an importance matrix goes by its fingerprint, a plan is told by the tensors' types.
std::string recipe(const QuantizeOptions& options) {
  std::string text = fmt::format("quantize --type {}", options.plan ? "planned" : info(options.mix).name);
  if (options.imatrix) {
    text += " --imatrix " + options.imatrix->fingerprint();
    if (!options.imatrix->grams.empty()) text += " --rounding compensated";
  }
  return text;
}

/// "model.gguf: tensor output.weight", for messages.
std::string place(const ModelFile& file, const TensorSpec& spec) {
  return fmt::format("{}: tensor {}", file.path(), file.hf() ? spec.hf_name : spec.gguf_name);
}

/// Rows [begin, end) of a tensor, decoded and encoded a group at a time. The error of the first bad row wins, whichever
/// thread finds one first.
class RowEncoder {
 public:
  RowEncoder(const BoundTensor& from, DType to, const RowRounding& rounding, std::byte* out)
      : from_(from), to_(to), rounding_(rounding), out_(out) {}

  void encode_rows(int64_t begin, int64_t end) {
    const int64_t width = from_.view.shape.row_length();
    const size_t row_bytes = storage_bytes(to_, width);
    std::vector<float> rows;
    for (int64_t first = begin; first < end; first += RowRounding::kRows) {
      const int64_t n = std::min(RowRounding::kRows, end - first);
      rows.resize(static_cast<size_t>(n * width));
      decode_rows(from_, first, n, rows);
      if (auto done = rounding_.encode(to_, rows, first, out_ + static_cast<size_t>(first) * row_bytes); !done) {
        std::lock_guard lock(mutex_);
        if (!error_ || first < bad_group_) error_ = std::move(done).error();
        bad_group_ = std::min(bad_group_, first);
        return;
      }
    }
  }
  Status status() const { return error_ ? Status(*error_) : Status(); }

 private:
  const BoundTensor& from_;
  DType to_;
  const RowRounding& rounding_;
  std::byte* out_;
  std::mutex mutex_;
  std::optional<Error> error_;
  int64_t bad_group_ = std::numeric_limits<int64_t>::max();
};

class Quantizer {
 public:
  Quantizer(const BoundModel& model, const QuantizeOptions& options, CheckpointWriter& writer)
      : model_(model), options_(options), writer_(writer), pool_(options.threads) {
    for (size_t i = 0; i < model.tensors.size(); ++i) total_ += stored_bytes(i);
  }

  Status convert(size_t i) {
    TRY(convert_any(model_.tensors[i], i));
    done_ += stored_bytes(i);
    return {};
  }
  uint64_t total() const { return total_; }

 private:
  uint64_t stored_bytes(size_t i) const {
    return storage_bytes(writer_.types()[i], model_.tensors[i].spec.shape.elements());
  }

  Status convert_any(const BoundTensor& tensor, size_t i) {
    const DType type = writer_.types()[i];
    if (tensor.is_a_log) {
      auto values = to_f32(tensor);
      if (!values) return std::move(values).error().in(model_.file->path());
      return writer_.write(*values);
    }
    if (tensor.view.dtype == type) {
      TRY(report(i, stored_bytes(i)));
      if (const auto bad = find_non_finite(type, tensor.view.data, tensor.view.shape.elements()))
        return Error::corrupt("{}: element {} is no finite number", place(*model_.file, tensor.spec), *bad);
      return writer_.write_stored(tensor.view.span());
    }
    TRY_ASSIGN(const RowRounding rounding, row_rounding(options_.imatrix, tensor.spec));
    return encode_rows(tensor, i, rounding);
  }

  Status encode_rows(const BoundTensor& tensor, size_t i, const RowRounding& rounding) {
    const DType type = writer_.types()[i];
    std::vector<std::byte> out(stored_bytes(i));
    RowEncoder encoder(tensor, type, rounding, out.data());
    const int64_t rows = tensor.view.shape.rows(), length = tensor.view.shape.row_length();
    const int64_t step = (kElementsPerStep / length / RowRounding::kRows + 1) * RowRounding::kRows;
    for (int64_t begin = 0; begin < rows; begin += step) {
      const int64_t end = std::min(rows, begin + step);
      pool_.parallel_for(end - begin, RowRounding::kRows,
                         [&](int64_t b, int64_t e) { encoder.encode_rows(begin + b, begin + e); });
      if (auto done = encoder.status(); !done) return std::move(done).error().in(place(*model_.file, tensor.spec));
      TRY(report(i, storage_bytes(type, end * length)));
    }
    return writer_.write_stored(out);
  }

  Status report(size_t i, uint64_t bytes_of_tensor) const {
    if (!options_.progress) return {};
    const BoundTensor& tensor = model_.tensors[i];
    return options_.progress({tensor.spec, tensor.view.dtype, writer_.types()[i], done_ + bytes_of_tensor, total_});
  }

  const BoundModel& model_;
  const QuantizeOptions& options_;
  CheckpointWriter& writer_;
  ThreadPool pool_;
  uint64_t done_ = 0, total_ = 0;
};

}  // namespace

bool QuantizedTensor::requantized() const {
  return info(from).block_size > 1 && from != to.type;
}

TypePlan chosen_types(const QuantizeOptions& options, const ModelConfig& config) {
  if (options.plan) return *options.plan;
  return {plan_types(options.mix, config, options.imatrix != nullptr), info(options.mix).file_type};
}

Result<uint64_t> overhead_bytes(const BoundModel& model, const QuantizeOptions& options) {
  const TypePlan plan = chosen_types(options, model.config);
  std::vector<DType> types;
  for (const PlannedType& planned : plan.types) types.push_back(planned.type);
  const std::vector<TensorSpec> specs = tensor_specs(model.config);
  TRY_ASSIGN(auto metadata, output_metadata(model, plan.file_type));

  GgufWriter writer;
  writer.seal();
  for (GgufEntry& entry : gguf_metadata(model.config)) writer.set(std::move(entry));
  for (GgufEntry& entry : metadata)
    if (!is_of_one_file(entry.key)) writer.set(std::move(entry));
  for (GgufEntry& entry : gguf_entries(make_receipt(specs, types, steps_from(*model.file, recipe(options)))))
    writer.set(std::move(entry));
  for (size_t i = 0; i < specs.size(); ++i)
    writer.add_tensor(specs[i].gguf_name, types[i], gguf_shape(specs[i], model.config));
  constexpr uint64_t kLongerRecipe = 64;  // a plan's word for itself
  return writer.header_bytes() + kLongerRecipe + specs.size() * (writer.alignment() - 1);
}

Result<QuantizeReport> quantize(const fs::path& input, const fs::path& output, const QuantizeOptions& options) {
  TRY(check_paths(input, output));
  TRY_ASSIGN(auto file, ModelFile::open(input));
  TRY_ASSIGN(const BoundModel model, bind(std::make_shared<const ModelFile>(std::move(file))));
  const TypePlan plan = chosen_types(options, model.config);
  TRY_ASSIGN(const auto metadata, output_metadata(model, plan.file_type));

  QuantizeReport report;
  std::vector<DType> types;
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    const BoundTensor& tensor = model.tensors[i];
    report.tensors.push_back({tensor.spec, tensor.view.dtype, plan.types[i]});
    QuantizedTensor& row = report.tensors.back();
    if (options.imatrix && tensor.spec.is_matrix) {
      TRY_ASSIGN(const std::vector<float> importance, options.imatrix->importance(tensor.spec));
      row.by_importance = !importance.empty();
      row.compensated = has_levels(row.to.type) && options.imatrix->grams.contains(tensor.spec.gguf_name);
    }
    types.push_back(plan.types[i].type);
    report.bytes_in += tensor.view.bytes();
  }
  auto steps = steps_from(*model.file, recipe(options));
  TRY_ASSIGN(auto writer, CheckpointWriter::gguf(output, model.config, std::move(types), metadata, std::move(steps)));
  Quantizer quantizer(model, options, writer);
  report.bytes_out = quantizer.total();
  ModelHash source(model.config);
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    const BoundTensor& tensor = model.tensors[i];
    source.add(tensor.spec, tensor.view.dtype, hash128_hex(tensor.view.span()), tensor.scales);
    TRY(quantizer.convert(i));
  }
  writer.set_source(source.hex());
  TRY(writer.finish());
  return report;
}

}  // namespace adder
