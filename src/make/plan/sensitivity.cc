#include "make/plan/sensitivity.h"

#include <algorithm>
#include <cmath>

#include "core/base/atomic_file.h"
#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/formats/json.h"
#include "core/quant/codec.h"
#include "run/kernels/packed.h"

namespace adder {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "adder sensitivity 1";

/// Fields of one object of the file; an error says which object and which field.
class Fields {
 public:
  Fields(const json& object, std::string where) : object_(object), where_(std::move(where)) {}

  Result<std::string> text(const char* key) const {
    TRY_ASSIGN(const json* const value, find(key, "a text", &json::is_string));
    return value->get<std::string>();
  }
  Result<int64_t> count(const char* key) const {
    TRY_ASSIGN(const json* const value, find(key, "a whole number", &json::is_number_unsigned));
    if (const auto n = value->get<uint64_t>(); n >= 1 && n <= uint64_t{1} << 50) return static_cast<int64_t>(n);
    return Error::corrupt("{}: {} is {}", where_, key, value->dump());
  }
  Result<double> amount(const char* key) const {
    TRY_ASSIGN(const json* const value, find(key, "a number", &json::is_number));
    if (const auto x = value->get<double>(); x >= 0 && std::isfinite(x)) return x;
    return Error::corrupt("{}: {} is {}, expected at least 0", where_, key, value->dump());
  }
  Result<DType> type(const char* key) const {
    TRY_ASSIGN(const std::string name, text(key));
    if (const auto type = dtype_from_name(name); type && can_encode(*type)) return *type;
    return Error::corrupt("{}: {} is no type that can be written: {}", where_, key, name);
  }
  Result<const json*> list(const char* key) const { return find(key, "a list", &json::is_array); }
  Result<const json*> object(const char* key) const { return find(key, "an object", &json::is_object); }
  const std::string& where() const { return where_; }

 private:
  Result<const json*> find(const char* key, const char* expected, bool (json::*is)() const noexcept) const {
    const auto field = object_.is_object() ? object_.find(key) : object_.end();
    if (field == object_.end()) return Error::corrupt("{}: {} is missing", where_, key);
    if (!((*field).*is)())
      return Error::corrupt("{}: {} is {}, expected {}", where_, key, field->type_name(), expected);
    return &*field;
  }

  const json& object_;
  std::string where_;
};

Result<TensorSensitivity> read_tensor(const Fields& fields) {
  TensorSensitivity tensor;
  TRY_ASSIGN(tensor.name, fields.text("name"));
  TRY_ASSIGN(tensor.elements, fields.count("elements"));
  TRY_ASSIGN(tensor.row_length, fields.count("row_length"));
  TRY_ASSIGN(tensor.probe, fields.type("probe"));
  TRY_ASSIGN(tensor.kl, fields.amount("kl"));
  TRY_ASSIGN(const json* const errors, fields.object("errors"));
  const Fields each(*errors, fmt::format("{}: errors", fields.where()));
  for (const auto& [key, value] : errors->items()) {
    const auto type = dtype_from_name(key);
    if (!type || !can_encode(*type) || tensor.row_length % info(*type).block_size != 0)
      return Error::corrupt("{}: rows of {} in {}", each.where(), tensor.row_length, key);
    TRY_ASSIGN(const double error, each.amount(key.c_str()));
    tensor.choices.push_back({*type, error});
  }
  const auto probe = std::ranges::find(tensor.choices, tensor.probe, &TensorSensitivity::Choice::type);
  if (probe == tensor.choices.end())
    return Error::corrupt("{}: no error of the probe {}", fields.where(), name(tensor.probe));
  return tensor;
}

}  // namespace

double TensorSensitivity::predicted_kl(DType type) const {
  const auto error = [&](DType of) {
    const auto found = std::ranges::find(choices, of, &Choice::type);
    CHECK(found != choices.end(), "{}: {}", name, adder::name(of));
    return found->error;
  };
  const double probed = error(probe);
  return probed > 0 ? kl * error(type) / probed : 0;  // a probe that changes nothing: the weights are zero
}

const TensorSensitivity* Sensitivities::find(const std::string& name) const {
  const auto found = std::ranges::find(tensors, name, &TensorSensitivity::name);
  return found == tensors.end() ? nullptr : &*found;
}

Result<Sensitivities> Sensitivities::read(const std::filesystem::path& path) {
  TRY_ASSIGN(const json document, read_json(path));
  const Fields fields(document, path.string());
  TRY_ASSIGN(const std::string format, fields.text("format"));
  if (format != kFormat) return Error::unsupported("{}: format '{}', expected '{}'", path.string(), format, kFormat);
  Sensitivities result;
  TRY_ASSIGN(result.model, fields.text("model"));
  TRY_ASSIGN(result.importance, fields.text("importance"));
  TRY_ASSIGN(result.text, fields.text("text"));
  TRY_ASSIGN(const json* const tensors, fields.list("tensors"));
  for (const json& entry : *tensors) {
    const Fields of_tensor(entry, fmt::format("{}: tensor {}", path.string(), result.tensors.size()));
    TRY_ASSIGN(TensorSensitivity tensor, read_tensor(of_tensor));
    if (result.find(tensor.name)) return Error::corrupt("{}: {} twice", path.string(), tensor.name);
    result.tensors.push_back(std::move(tensor));
  }
  return result;
}

Status Sensitivities::write(const std::filesystem::path& path) const {
  nlohmann::ordered_json document = {
      {"format", kFormat}, {"model", model}, {"importance", importance}, {"text", text}, {"tensors", json::array()}};
  for (const TensorSensitivity& tensor : tensors) {
    nlohmann::ordered_json errors = json::object();
    for (const auto& [type, error] : tensor.choices) errors[std::string(adder::name(type))] = error;
    document["tensors"].push_back({{"name", tensor.name},
                                   {"elements", tensor.elements},
                                   {"row_length", tensor.row_length},
                                   {"probe", adder::name(tensor.probe)},
                                   {"kl", tensor.kl},
                                   {"errors", errors}});
  }
  return write_file(path, document.dump(1) + "\n");
}

std::vector<DType> candidate_types(int64_t row_length) {
  std::vector<DType> types;
  for (const DTypeInfo& row : all_dtypes()) {
    const bool fast = row.dtype == DType::kF16 || (packed_format(row.dtype) && row.block_size > 1);
    if (fast && can_encode(row.dtype) && row_length % row.block_size == 0) types.push_back(row.dtype);
  }
  return types;
}

std::string model_fingerprint(const BoundModel& model) {
  Hash128 hash;
  for (const BoundTensor& tensor : model.tensors) {
    if (!tensor.spec.is_matrix) continue;
    hash.update(std::as_bytes(std::span(tensor.spec.gguf_name)));
    hash.update(std::as_bytes(tensor.spec.shape.dims()));
    std::vector<float> row(static_cast<size_t>(tensor.spec.shape.row_length()));
    decode_rows(tensor, 0, 1, row);
    hash.update(std::as_bytes(std::span(row)));
  }
  return hash.hex();
}

}  // namespace adder
