#include "make/calib/imatrix.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "core/base/hash.h"
#include "core/formats/gguf.h"
#include "core/formats/gguf_writer.h"

namespace adder {
namespace {

constexpr std::string_view kSums = ".in_sum2", kCounts = ".counts";

Result<std::vector<float>> numbers(const Gguf& file, const NamedTensor& tensor) {
  if (tensor.view.dtype != DType::kF32 || tensor.view.shape.rank() > 2)
    return Error::corrupt("{}: tensor {} is {} {}, expected F32 with one or two axes", file.path(), tensor.name,
                          name(tensor.view.dtype), to_string(tensor.view.shape));
  std::vector<float> values(static_cast<size_t>(tensor.view.shape.elements()));
  std::memcpy(values.data(), tensor.view.data, tensor.view.bytes());
  const auto bad = std::ranges::find_if_not(values, [](float x) { return x >= 0 && std::isfinite(x); });
  if (bad != values.end())
    return Error::corrupt("{}: tensor {}: element {} is {}, expected a finite number of at least 0", file.path(),
                          tensor.name, bad - values.begin(), *bad);
  return values;
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
  TRY(writer.begin(path));
  for (const auto& [name, entry] : entries) {
    TRY(writer.write_tensor(std::as_bytes(std::span(entry.sums))));
    TRY(writer.write_tensor(std::as_bytes(std::span(entry.counts))));
  }
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
  return hash.hex();
}

}  // namespace adder
