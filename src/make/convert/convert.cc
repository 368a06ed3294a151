#include "make/convert/convert.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <system_error>

#include "core/arch/a_log.h"
#include "core/arch/bind.h"
#include "core/arch/checkpoint_writer.h"
#include "core/arch/config_gguf.h"
#include "core/quant/codec.h"
#include "make/convert/hf_texts.h"
#include "make/quantize/carried_metadata.h"
#include "make/quantize/mix.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// Elements in memory at a time.
constexpr int64_t kElementsPerStep = int64_t{1} << 21;

bool is_plain(DType type) {
  return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16;
}

/// What GGUF calls a file whose matrices have this type; null if that is no plain type.
const MixInfo* plain_mix(DType type) {
  const auto found = std::ranges::find(all_mixes(), type, &MixInfo::matrix_type);
  return is_plain(type) && found != all_mixes().end() ? &*found : nullptr;
}

Status check_request(const fs::path& input, const fs::path& output, const ConvertOptions& options, Layout layout) {
  std::error_code ignored;
  if (fs::equivalent(input, output, ignored)) return Error::usage("{}: input and output are the same", output.string());
  if (layout == Layout::kGguf && fs::is_directory(output, ignored))
    return Error::usage("{}: a directory, expected the name of a GGUF file to write", output.string());
  if (layout == Layout::kHuggingFace && options.split_bytes > 0)
    return Error::usage("{}: only GGUF files are split, and their names end in .gguf", output.string());
  return {};
}

/// Whether a number comes back from `type` as it was.
bool survives(float value, DType type) {
  std::array<std::byte, sizeof(float)> stored;
  float back = 0;
  if (!encode(type, {&value, 1}, {}, stored.data())) return false;
  decode(type, stored.data(), {&back, 1});
  return back == value;
}

/// The same for all values of a small tensor. A survives as an A_log whose A is it, give or take what another program's
/// exp rounds otherwise.
bool all_survive(const BoundTensor& tensor, const std::vector<float>& values, DType type) {
  return std::ranges::all_of(values, [&](float value) {
    if (tensor.spec.role == Role::kA)
      return value < 0 && std::abs(a_of_log(log_of_a(value, type)) - value) <= 2.4e-7f * std::abs(value);
    return survives(value, type);
  });
}

/// The types that the directory had which this file was made from, if it tells.
std::vector<std::optional<DType>> types_once(const BoundModel& model) {
  std::vector<std::optional<DType>> types(model.tensors.size());
  if (model.file->gguf() == nullptr) return types;
  const auto names = model.file->gguf()->texts(kHfTypesKey);
  if (!names || names->size() != types.size()) return types;
  for (size_t i = 0; i < types.size(); ++i) {
    types[i] = dtype_from_name((*names)[i]);
    if (types[i] && !is_plain(*types[i])) types[i].reset();
  }
  return types;
}

/// The type of a tensor that is no matrix, in a directory made from GGUF.
Result<DType> small_type(const BoundTensor& tensor, DType wanted) {
  if (tensor.view.dtype == wanted && !(tensor.spec.role == Role::kA)) return wanted;
  TRY_ASSIGN(const std::vector<float> values, to_f32(tensor));
  return all_survive(tensor, values, wanted) ? wanted : DType::kF32;
}

Result<std::vector<DType>> output_types(const BoundModel& model, Layout layout, const ConvertOptions& options) {
  const auto once = types_once(model);
  std::vector<DType> types;
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    const BoundTensor& tensor = model.tensors[i];
    const DType own = tensor.view.dtype;
    DType type = options.type.value_or(own);
    if (!tensor.spec.is_matrix && layout == Layout::kGguf) {
      type = DType::kF32;
    } else if (!tensor.spec.is_matrix && !options.type && model.file->gguf() != nullptr) {
      TRY_ASSIGN(type, small_type(tensor, once[i].value_or(types.front())));
    }
    const bool fits = layout == Layout::kGguf ? info(type).ggml_type >= 0 : is_plain(type);
    if (!fits)
      return Error::usage("{}: tensor {} is {}, which {} does not hold; say with --type what it is to become",
                          model.file->path(), tensor.name, name(own),
                          layout == Layout::kGguf ? "GGUF" : "a Hugging Face directory");
    types.push_back(type);
  }
  return types;
}

Result<CheckpointWriter> open_writer(const BoundModel& model, const fs::path& output, Layout layout,
                                     std::vector<DType> types, const ConvertOptions& options) {
  auto steps = steps_from(*model.file,
                          options.type ? fmt::format("convert --type {}", plain_mix(*options.type)->name) : "convert");
  if (layout == Layout::kHuggingFace) {
    TRY_ASSIGN(HfFiles texts, hf_texts(*model.file));
    return CheckpointWriter::hugging_face(output, model.config, std::move(types), std::move(texts), std::move(steps));
  }
  TRY_ASSIGN(std::vector<GgufEntry> metadata, carried_metadata(model));
  if (const MixInfo* mix = plain_mix(types.front()); mix && (options.type || model.file->hf() != nullptr))
    metadata.push_back(gguf_u32("general.file_type", mix->file_type));
  return CheckpointWriter::gguf(output, model.config, std::move(types), metadata, std::move(steps),
                                options.split_bytes);
}

class Converter {
 public:
  Converter(const BoundModel& model, CheckpointWriter& writer, const ConvertOptions& options)
      : model_(model), writer_(writer), options_(options), source_(model.config), pool_(options.threads) {
    for (const BoundTensor& tensor : model.tensors) total_ += tensor.view.bytes();
  }

  Result<ConvertedTensor> convert(size_t i) {
    const BoundTensor& tensor = model_.tensors[i];
    ConvertedTensor converted{tensor.spec, tensor.view.dtype, writer_.types()[i]};
    Hash128 hash;
    const int64_t rows = tensor.view.shape.rows();
    const int64_t step =
        tensor.spec.role == Role::kA ? rows : std::max(int64_t{1}, kElementsPerStep / tensor.view.shape.row_length());
    for (int64_t begin = 0; begin < rows; begin += step) {
      TensorView part = tensor.view;
      part.data = tensor.view.row(begin);
      part.shape = {std::min(step, rows - begin), tensor.view.shape.row_length()};
      hash.update(part.span());
      TRY(refuse_non_finite(tensor, part, begin));
      TRY_ASSIGN(const int64_t changed, tensor.spec.role == Role::kA ? convert_a(tensor, converted.to)
                                                                     : convert_rows(tensor, part, converted.to));
      converted.changed += changed;
      model_.file->release_pages(part.span());
      done_ += part.bytes();
      if (options_.progress) TRY(options_.progress({done_, total_}));
    }
    source_.add(tensor.spec, tensor.view.dtype, hash.hex());
    return converted;
  }

  std::string source_hash() const { return source_.hex(); }
  uint64_t total() const { return total_; }

 private:
  std::string place(const BoundTensor& tensor) const {
    return fmt::format("{}: tensor {}", model_.file->path(), tensor.name);
  }

  Status refuse_non_finite(const BoundTensor& tensor, const TensorView& part, int64_t first_row) const {
    const auto bad = find_non_finite(part.dtype, part.data, part.shape.elements());
    if (!bad) return {};
    return Error::corrupt("{}: element {} is no finite number", place(tensor),
                          first_row * part.shape.row_length() + *bad);
  }

  /// Elements that do not come back.
  Result<int64_t> convert_rows(const BoundTensor& tensor, const TensorView& part, DType to) {
    if (part.dtype == to) {
      TRY(writer_.write_part(part.span()));
      return 0;
    }
    const int64_t length = part.shape.row_length();
    const size_t row_bytes = storage_bytes(to, length);
    encoded_.resize(static_cast<size_t>(part.shape.rows()) * row_bytes);
    std::atomic<int64_t> changed = 0, bad_row = -1;
    pool_.parallel_for(part.shape.rows(), 1, [&](int64_t begin, int64_t end) {
      std::vector<float> row(static_cast<size_t>(length)), back(row.size());
      for (int64_t r = begin; r < end; ++r) {
        std::byte* out = encoded_.data() + static_cast<size_t>(r) * row_bytes;
        decode(part.dtype, part.row(r), row);
        if (!encode(to, row, {}, out)) return bad_row.store(r);
        decode(to, out, back);
        int64_t differing = 0;
        for (size_t j = 0; j < row.size(); ++j) differing += row[j] != back[j];
        changed += differing;
      }
    });
    if (bad_row >= 0)
      return Error::unsupported("{}: a value is larger than {}, the largest {}", place(tensor), largest_encodable(to),
                                name(to));
    TRY(writer_.write_part(encoded_));
    return changed.load();
  }

  Result<int64_t> convert_a(const BoundTensor& tensor, DType to) {
    std::vector<float> stored(static_cast<size_t>(tensor.view.shape.elements()));
    decode(tensor.view.dtype, tensor.view.data, stored);
    const bool to_log = writer_.layout() == Layout::kHuggingFace;
    if (auto done = writer_.write(stored, tensor.is_a_log ? AForm::kALog : AForm::kA); !done)
      return std::move(done).error().in(model_.file->path());
    return std::ranges::count_if(stored, [&](float value) {
      if (tensor.is_a_log && to_log) return !survives(value, to);
      if (tensor.is_a_log) return !(a_of_log(value) < 0) || log_of_a(a_of_log(value), tensor.view.dtype) != value;
      if (to_log) return a_of_log(log_of_a(value, to)) != value;
      return !survives(value, to);
    });
  }

  const BoundModel& model_;
  CheckpointWriter& writer_;
  const ConvertOptions& options_;
  ModelHash source_;
  ThreadPool pool_;
  std::vector<std::byte> encoded_;
  uint64_t done_ = 0, total_ = 0;
};

}  // namespace

Result<ConvertReport> convert(const fs::path& input, const fs::path& output, const ConvertOptions& options) {
  const Layout layout = output.extension() == ".gguf" ? Layout::kGguf : Layout::kHuggingFace;
  TRY(check_request(input, output, options, layout));
  TRY_ASSIGN(auto file, ModelFile::open(input));
  TRY_ASSIGN(const BoundModel model, bind(std::make_shared<const ModelFile>(std::move(file))));
  TRY_ASSIGN(std::vector<DType> types, output_types(model, layout, options));
  TRY_ASSIGN(CheckpointWriter writer, open_writer(model, output, layout, std::move(types), options));

  ConvertReport report;
  Converter converter(model, writer, options);
  for (size_t i = 0; i < model.tensors.size(); ++i) {
    TRY_ASSIGN(ConvertedTensor converted, converter.convert(i));
    report.bytes_out += storage_bytes(converted.to, converted.spec.shape.elements());
    report.tensors.push_back(std::move(converted));
  }
  writer.set_source(converter.source_hash());
  TRY(writer.finish());
  report.bytes_in = converter.total();
  for (const NamedTensor& tensor : model.skipped) report.left_out.push_back(tensor.name);
  report.outputs = writer.paths();
  return report;
}

}  // namespace adder
