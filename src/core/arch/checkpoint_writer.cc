#include "core/arch/checkpoint_writer.h"

#include <cmath>
#include <utility>

#include "core/arch/a_log.h"
#include "core/arch/config_gguf.h"
#include "core/arch/config_json.h"
#include "core/quant/codec.h"

namespace adder {
namespace {

/// Turns values of A from the form they came in into the one the layout stores, as `type`.
Status convert_a(std::vector<float>& values, AForm from, Layout to, DType type, std::string_view tensor) {
  const bool stores_log = to == Layout::kHuggingFace;
  if (stores_log == (from == AForm::kALog)) return {};
  for (float& value : values) {
    if (stores_log && !(value < 0 && std::isfinite(value)))
      return Error::corrupt("tensor {}: A is {}, must be negative and finite", tensor, value);
    value = stores_log ? log_of_a(value, type) : a_of_log(value);
  }
  return {};
}

std::string_view torch_name(DType dtype) {
  return dtype == DType::kF32 ? "float32" : dtype == DType::kF16 ? "float16" : "bfloat16";
}

/// A scale and the name it has in the file.
struct NamedScale {
  std::string name;
  float value;
};

/// All that `CheckpointWriter::hugging_face` writes before the tensors.
std::vector<NamedScale> named_scales(const std::vector<TensorSpec>& specs, const std::vector<DType>& types,
                                     const std::vector<Fp8Scales>& scales) {
  std::vector<NamedScale> named;
  for (size_t i = 0; i < scales.size(); ++i) {
    const Fp8Scales& s = scales[i];
    if (types[i] == DType::kF8E4M3) {
      named.push_back({scale_name(specs[i], kWeightScale), s.weight});
      if (s.input) named.push_back({scale_name(specs[i], kInputScale), *s.input});
    }
    if (s.cache) named.push_back({scale_name(specs[i], cache_scale(specs[i].role)), *s.cache});
  }
  return named;
}

}  // namespace

std::vector<DType> uniform_types(std::span<const TensorSpec> specs, Layout layout, DType matrices) {
  CHECK(info(matrices).block_size == 1, "{}", name(matrices));
  std::vector<DType> types;
  for (const TensorSpec& spec : specs)
    types.push_back(spec.is_matrix || layout == Layout::kHuggingFace ? matrices : DType::kF32);
  return types;
}

CheckpointWriter::CheckpointWriter(Layout layout, ModelConfig config, std::vector<DType> types,
                                   std::vector<ReceiptStep> steps)
    : layout_(layout), config_(std::move(config)), specs_(tensor_specs(config_)), types_(std::move(types)) {
  CHECK(types_.size() == specs_.size(), "{} types for {} tensors", types_.size(), specs_.size());
  receipt_ = make_receipt(specs_, types_, std::move(steps));
}

Result<CheckpointWriter> CheckpointWriter::gguf(const std::filesystem::path& path, const ModelConfig& config,
                                                std::vector<DType> types, const std::vector<GgufEntry>& metadata,
                                                std::vector<ReceiptStep> steps, uint64_t split_bytes) {
  TRY(validate(config));
  CheckpointWriter writer(Layout::kGguf, config, std::move(types), std::move(steps));
  GgufWriter& file = writer.gguf_.emplace();
  file.seal();
  file.split(split_bytes);
  for (GgufEntry& entry : gguf_metadata(config)) file.set(std::move(entry));
  for (GgufEntry& entry : gguf_entries(writer.receipt_)) file.set(std::move(entry));
  for (const GgufEntry& entry : metadata)
    if (!is_of_one_file(entry.key)) file.set(entry);
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
                                                        HfFiles files, std::vector<ReceiptStep> steps,
                                                        std::vector<Fp8Scales> scales) {
  TRY(validate(config));
  CHECK(scales.empty() || scales.size() == types.size(), "{} scales for {} tensors", scales.size(), types.size());
  CheckpointWriter writer(Layout::kHuggingFace, config, std::move(types), std::move(steps));
  writer.scales_ = std::move(scales);
  writer.directory_ = directory;
  TRY_ASSIGN(const nlohmann::json fields, config_json(config));
  if (!files.config.is_object()) files.config = nlohmann::json::object();
  files.config.update(fields);
  files.config["torch_dtype"] = torch_name(writer.types_.front());
  writer.hugging_face_ = std::make_unique<HfWriter>();
  writer.hugging_face_->seal();
  SafetensorsWriter& file = writer.hugging_face_->weights();
  file.set_metadata("format", "pt");  // transformers refuses files that do not say whose tensors they are
  const std::vector<NamedScale> before = named_scales(writer.specs_, writer.types_, writer.scales_);
  writer.n_scales_ = before.size();
  for (const NamedScale& scale : before) file.add_tensor(scale.name, DType::kF32, {});
  for (size_t i = 0; i < writer.specs_.size(); ++i) {
    const TensorSpec& spec = writer.specs_[i];
    const DType type = writer.types_[i];
    if (info(type).safetensors.empty())
      return Error::unsupported("{}: safetensors has no type {}", spec.hf_name, name(type));
    file.add_tensor(spec.hf_name, type, hf_shape(spec, config));
  }
  TRY(writer.hugging_face_->begin(directory, files));
  for (const NamedScale& scale : before) TRY(file.write_tensor(std::as_bytes(std::span(&scale.value, 1))));
  return writer;
}

const TensorStream& CheckpointWriter::stream() const {
  return gguf_ ? gguf_->stream() : hugging_face_->weights().stream();
}

size_t CheckpointWriter::at_work() const {
  CHECK(!stream().is_done(), "all {} tensors are written", specs_.size());
  return stream().n_written() - n_scales_;
}

std::string_view CheckpointWriter::stored_name(const TensorSpec& spec) const {
  return layout_ == Layout::kGguf ? spec.gguf_name : spec.hf_name;
}

Status CheckpointWriter::write(std::span<const float> rows, AForm form) {
  const TensorSpec& spec = specs_[at_work()];
  const DType type = types_[at_work()];
  const size_t row_length = static_cast<size_t>(spec.shape.row_length());
  CHECK(rows.size() % row_length == 0, "{}: {} values are no whole rows of {}", spec.gguf_name, rows.size(),
        row_length);

  std::vector<float> converted;
  if (spec.role == Role::kA) {
    converted.assign(rows.begin(), rows.end());
    TRY(convert_a(converted, form, layout_, type, stored_name(spec)));
    rows = converted;
  }
  const size_t row_bytes = storage_bytes(type, spec.shape.row_length());
  std::vector<std::byte> encoded(rows.size() / row_length * row_bytes);
  for (size_t r = 0; r * row_length < rows.size(); ++r)
    if (auto done = encode(type, rows.subspan(r * row_length, row_length), {}, encoded.data() + r * row_bytes); !done)
      return std::move(done).error().in(fmt::format("tensor {}", stored_name(spec)));
  return write_part(encoded);
}

Status CheckpointWriter::write_stored(std::span<const std::byte> bytes) {
  return gguf_ ? gguf_->write_tensor(bytes) : hugging_face_->weights().write_tensor(bytes);
}

Status CheckpointWriter::write_part(std::span<const std::byte> bytes) {
  return gguf_ ? gguf_->write_part(bytes) : hugging_face_->weights().write_part(bytes);
}

void CheckpointWriter::set_source(std::string model_hash) {
  CHECK(!receipt_.steps.empty() && receipt_.steps.back().source == kBlankHash, "the last step reads no model");
  receipt_.steps.back().source = std::move(model_hash);
}

Status CheckpointWriter::finish() {
  CHECK(stream().is_done(), "{} of {} tensors written", stream().n_written() - n_scales_, specs_.size());
  ModelHash hash(config_);
  for (size_t i = 0; i < specs_.size(); ++i)
    hash.add(specs_[i], types_[i], stream().tensors()[n_scales_ + i].hash, scales_.empty() ? Fp8Scales{} : scales_[i]);
  receipt_.model_hash = hash.hex();
  if (hugging_face_) return hugging_face_->finish(to_json(receipt_));
  for (GgufEntry& entry : gguf_entries(receipt_)) gguf_->replace(std::move(entry));
  return gguf_->finish();
}

std::vector<std::filesystem::path> CheckpointWriter::paths() const {
  return gguf_ ? gguf_->paths() : std::vector{directory_};
}

}  // namespace adder
