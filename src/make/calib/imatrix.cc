#include "make/calib/imatrix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "core/base/hash.h"
#include "core/formats/gguf.h"
#include "core/formats/gguf_writer.h"

namespace adder {
namespace {

constexpr std::string_view kSums = ".in_sum2", kCounts = ".counts", kGram = ".gram";

Result<std::vector<float>> finite_numbers(const Gguf& file, const NamedTensor& tensor, float least) {
  if (tensor.view.dtype != DType::kF32 || tensor.view.shape.rank() > 2)
    return Error::corrupt("{}: tensor {} is {} {}, expected F32 with one or two axes", file.path(), tensor.name,
                          name(tensor.view.dtype), to_string(tensor.view.shape));
  std::vector<float> values(static_cast<size_t>(tensor.view.shape.elements()));
  std::memcpy(values.data(), tensor.view.data, tensor.view.bytes());
  const auto bad = std::ranges::find_if_not(values, [&](float x) { return x >= least && std::isfinite(x); });
  if (bad != values.end())
    return Error::corrupt("{}: tensor {}: element {} is {}, expected a finite number{}", file.path(), tensor.name,
                          bad - values.begin(), *bad, least == 0 ? " of at least 0" : "");
  return values;
}

Result<std::vector<float>> numbers(const Gguf& file, const NamedTensor& tensor) {
  return finite_numbers(file, tensor, 0);
}

Result<Imatrix::Entry> read_entry(const Gguf& file, const NamedTensor& sums, const std::string& name) {
  const auto counts = std::ranges::find(file.tensors(), name + std::string(kCounts), &NamedTensor::name);
  if (counts == file.tensors().end()) return Error::corrupt("{}: {}{} is missing", file.path(), name, kCounts);
  Imatrix::Entry entry;
  TRY_ASSIGN(entry.sums, numbers(file, sums));
  TRY_ASSIGN(entry.counts, numbers(file, *counts));
  if (entry.counts.size() != static_cast<size_t>(sums.view.shape.rows()))
    return Error::corrupt("{}: {}: sums of {} matrices, counts of {}", file.path(), name, sums.view.shape.rows(),
                          entry.counts.size());
  return entry;
}

Result<Gram> read_gram(const Gguf& file, const NamedTensor& tensor, const std::string& name) {
  const TensorView* const sums = file.find_tensor(name + std::string(kSums));
  if (!sums) return Error::corrupt("{}: {}{} is missing", file.path(), name, kSums);
  const Shape& shape = tensor.view.shape;
  if (shape.rank() != 2 || sums->shape.elements() != shape.rows() || shape.row_length() > shape.rows() ||
      (shape.row_length() % 256 != 0 && shape.row_length() != shape.rows()))
    return Error::corrupt("{}: tensor {} is {}, expected squares of all {} columns or of a multiple of 256",
                          file.path(), tensor.name, to_string(shape), sums->shape.elements());
  Gram gram{shape.row_length(), {}};
  TRY_ASSIGN(gram.values, finite_numbers(file, tensor, -std::numeric_limits<float>::infinity()));
  return gram;
}

/// `name` without `suffix`, if it ends so.
std::optional<std::string> stem(const std::string& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  return name.substr(0, name.size() - suffix.size());
}

}  // namespace

Result<Imatrix> Imatrix::read(const std::filesystem::path& path) {
  TRY_ASSIGN(const Gguf file, Gguf::open(path));
  const auto type = file.text("general.type");
  if (!type || *type != "imatrix")
    return Error::unsupported("{}: general.type is {}, expected imatrix", file.path(), type ? *type : "missing");
  Imatrix imatrix;
  TRY_ASSIGN(imatrix.datasets, file.texts("imatrix.datasets"));
  for (auto [key, field] :
       {std::pair("imatrix.chunk_count", &imatrix.chunk_count), std::pair("imatrix.chunk_size", &imatrix.chunk_size)}) {
    TRY_ASSIGN(const int64_t value, file.integer(key));
    if (value < 0 || value > int64_t{UINT32_MAX})
      return Error::corrupt("{}: {} is {}, expected 0 to {}", file.path(), key, value, UINT32_MAX);
    *field = static_cast<uint32_t>(value);
  }
  for (const NamedTensor& tensor : file.tensors()) {
    if (const auto name = stem(tensor.name, kSums)) {
      TRY_ASSIGN(imatrix.entries[*name], read_entry(file, tensor, *name));
    } else if (const auto of = stem(tensor.name, kCounts); of && !file.find_tensor(*of + std::string(kSums))) {
      return Error::corrupt("{}: {}{} is missing", file.path(), *of, kSums);
    } else if (const auto matrix = stem(tensor.name, kGram)) {
      TRY_ASSIGN(imatrix.grams[*matrix], read_gram(file, tensor, *matrix));
    }
  }
  return imatrix;
}

Status Imatrix::write(const std::filesystem::path& path) const {
  GgufWriter writer;
  writer.set("general.type", "imatrix");
  writer.set_texts("imatrix.datasets", datasets);
  writer.set_u32("imatrix.chunk_count", chunk_count);
  writer.set_u32("imatrix.chunk_size", chunk_size);
  for (const auto& [name, entry] : entries) {
    const auto matrices = static_cast<int64_t>(entry.counts.size());
    writer.add_tensor(name + std::string(kSums), DType::kF32,
                      {matrices, static_cast<int64_t>(entry.sums.size()) / matrices});
    writer.add_tensor(name + std::string(kCounts), DType::kF32, {matrices, 1});
  }
  for (const auto& [name, gram] : grams)
    writer.add_tensor(name + std::string(kGram), DType::kF32, {gram.width(), gram.block});
  TRY(writer.begin(path));
  for (const auto& [name, entry] : entries) {
    TRY(writer.write_tensor(std::as_bytes(std::span(entry.sums))));
    TRY(writer.write_tensor(std::as_bytes(std::span(entry.counts))));
  }
  for (const auto& [name, gram] : grams) TRY(writer.write_tensor(std::as_bytes(std::span(gram.values))));
  return writer.finish();
}

Result<std::vector<float>> Imatrix::importance(const TensorSpec& spec) const {
  const auto found = entries.find(spec.gguf_name);
  if (found == entries.end()) return std::vector<float>();
  const std::vector<float>& sums = found->second.sums;
  const std::vector<float>& counts = found->second.counts;
  const auto width = static_cast<size_t>(spec.shape.row_length());
  if (counts.size() != 1 || sums.size() != width)
    return Error::usage("importance of another model: {} has {} columns, there {} in {} matrices", spec.gguf_name,
                        width, sums.size() / std::max<size_t>(counts.size(), 1), counts.size());
  std::vector<float> means(width, 1.0f);
  if (counts[0] > 0) std::ranges::transform(sums, means.begin(), [&](float sum) { return sum / counts[0]; });
  return means;
}

std::string Imatrix::fingerprint() const {
  Hash128 hash;
  for (const auto& [name, entry] : entries) {
    hash.update(std::as_bytes(std::span(name)));
    hash.update(std::as_bytes(std::span(entry.sums)));
    hash.update(std::as_bytes(std::span(entry.counts)));
  }
  for (const auto& [name, gram] : grams) {
    hash.update(std::as_bytes(std::span(name)));
    hash.update(std::as_bytes(std::span(gram.values)));
  }
  return hash.hex();
}

}  // namespace adder
