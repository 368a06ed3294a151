#include "core/arch/checkpoint_writer.h"

#include <cmath>
#include <utility>

#include "core/arch/config_gguf.h"
#include "core/arch/config_json.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

/// Turns values of A from the form they came in into the one the layout stores.
Status convert_a(std::vector<float>& values, AForm from, Layout to, std::string_view tensor) {
  const bool stores_log = to == Layout::kHuggingFace;
  if (stores_log == (from == AForm::kALog)) return {};
  for (float& value : values) {
    if (stores_log && !(value < 0)) return Error::corrupt("tensor {}: A is {}, must be negative", tensor, value);
    value = stores_log ? std::log(-value) : -std::exp(value);
  }
  return {};
}

std::string_view torch_name(DType dtype) {
  return dtype == DType::kF32 ? "float32" : dtype == DType::kF16 ? "float16" : "bfloat16";
}

}  // namespace

std::vector<DType> uniform_types(std::span<const TensorSpec> specs, Layout layout, DType matrices) {
  CHECK(info(matrices).block_size == 1, "{}", name(matrices));
  std::vector<DType> types;
  for (const TensorSpec& spec : specs)
    types.push_back(spec.is_matrix || layout == Layout::kHuggingFace ? matrices : DType::kF32);
  return types;
}

CheckpointWriter::CheckpointWriter(Layout layout, const ModelConfig& config, std::vector<DType> types)
    : layout_(layout), specs_(tensor_specs(config)), types_(std::move(types)) {
  CHECK(types_.size() == specs_.size(), "{} types for {} tensors", types_.size(), specs_.size());
}

Result<CheckpointWriter> CheckpointWriter::gguf(const std::filesystem::path& path, const ModelConfig& config,
                                                std::vector<DType> types, const std::vector<GgufEntry>& metadata) {
  TRY(validate(config));
  CheckpointWriter writer(Layout::kGguf, config, std::move(types));
  GgufWriter& file = writer.gguf_.emplace();
  for (GgufEntry& entry : gguf_metadata(config)) file.set(std::move(entry));
  for (const GgufEntry& entry : metadata) file.set(entry);
  for (size_t i = 0; i < writer.specs_.size(); ++i) {
    const TensorSpec& spec = writer.specs_[i];
    const DType type = writer.types_[i];
    if (info(type).ggml_type < 0) return Error::unsupported("{}: GGUF has no type {}", spec.gguf_name, name(type));
    file.add_tensor(spec.gguf_name, type, gguf_shape(spec, config));
  }
  TRY(file.begin(path));
  return writer;
}

Result<CheckpointWriter> CheckpointWriter::hugging_face(const std::filesystem::path& directory,
                                                        const ModelConfig& config, std::vector<DType> types,
                                                        HfFiles files) {
  TRY(validate(config));
  CheckpointWriter writer(Layout::kHuggingFace, config, std::move(types));
  TRY_ASSIGN(files.config, config_json(config));
  files.config["torch_dtype"] = torch_name(writer.types_.front());
  writer.hugging_face_ = std::make_unique<HfWriter>();
  SafetensorsWriter& file = writer.hugging_face_->weights();
  file.set_metadata("format", "pt");  // transformers refuses files that do not say whose tensors they are
  for (size_t i = 0; i < writer.specs_.size(); ++i) {
    const TensorSpec& spec = writer.specs_[i];
    const DType type = writer.types_[i];
    if (info(type).safetensors.empty())
      return Error::unsupported("{}: safetensors has no type {}", spec.hf_name, name(type));
    file.add_tensor(spec.hf_name, type, hf_shape(spec, config));
  }
  TRY(writer.hugging_face_->begin(directory, files));
  return writer;
}

const TensorSpec& CheckpointWriter::next_spec() const {
  CHECK(next_ < specs_.size(), "all {} tensors are written", specs_.size());
  return specs_[next_];
}

std::string_view CheckpointWriter::stored_name(const TensorSpec& spec) const {
  return layout_ == Layout::kGguf ? spec.gguf_name : spec.hf_name;
}

Status CheckpointWriter::write(std::span<const float> rows, AForm form) {
  const TensorSpec& spec = next_spec();
  const DType type = types_[next_];
  const size_t row_length = static_cast<size_t>(spec.shape.row_length());
  CHECK(rows.size() % row_length == 0, "{}: {} values are no whole rows of {}", spec.gguf_name, rows.size(),
        row_length);

  std::vector<float> converted;
  if (spec.role == Role::kA) {
    converted.assign(rows.begin(), rows.end());
    TRY(convert_a(converted, form, layout_, stored_name(spec)));
    rows = converted;
  }
  const size_t begin = encoded_.size();
  const size_t row_bytes = storage_bytes(type, spec.shape.row_length());
  encoded_.resize(begin + rows.size() / row_length * row_bytes);
  for (size_t r = 0; r * row_length < rows.size(); ++r)
    if (auto done = encode(type, rows.subspan(r * row_length, row_length), {}, encoded_.data() + begin + r * row_bytes);
        !done)
      return std::move(done).error().in(fmt::format("tensor {}", stored_name(spec)));

  const size_t whole = static_cast<size_t>(spec.shape.rows()) * row_bytes;
  CHECK(encoded_.size() <= whole, "{}: too many rows", spec.gguf_name);
  if (encoded_.size() < whole) return {};
  const std::vector<std::byte> bytes = std::exchange(encoded_, {});
  return write_stored(bytes);
}

Status CheckpointWriter::write_stored(std::span<const std::byte> bytes) {
  const TensorSpec& spec = next_spec();
  CHECK(encoded_.empty(), "{} is half written", spec.gguf_name);
  CHECK(bytes.size() == storage_bytes(types_[next_], spec.shape.elements()), "{}: {} bytes", spec.gguf_name,
        bytes.size());
  ++next_;
  return gguf_ ? gguf_->write_tensor(bytes) : hugging_face_->weights().write_tensor(bytes);
}

Status CheckpointWriter::finish() {
  CHECK(next_ == specs_.size() && encoded_.empty(), "{} of {} tensors written", next_, specs_.size());
  return gguf_ ? gguf_->finish() : hugging_face_->finish();
}

}  // namespace adder
