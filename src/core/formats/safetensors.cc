#include "core/formats/safetensors.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "core/formats/byte_reader.h"
#include "core/formats/extents.h"
#include "core/formats/json.h"
#include "core/formats/names.h"

namespace adder {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the reference implementation
constexpr std::string_view kMetadataKey = "__metadata__";

/// A header entry: a tensor whose `view.data` is still missing.
struct Listed {
  NamedTensor tensor;
  uint64_t begin = 0, end = 0;  ///< in the data section
};

Result<std::vector<uint64_t>> read_numbers(const nlohmann::json& entry, const char* key) {
  const auto list = entry.find(key);
  if (list == entry.end()) return Error::corrupt("'{}' is missing", key);
  if (!list->is_array()) return Error::corrupt("'{}': expected an array, found {}", key, list->type_name());
  std::vector<uint64_t> numbers;
  for (const nlohmann::json& number : *list) {
    if (!number.is_number_unsigned())
      return Error::corrupt("'{}': expected integers from 0 to 2^64-1, found {}", key, quote(number.dump()));
    numbers.push_back(number.get<uint64_t>());
  }
  return numbers;
}

Result<DType> read_dtype(const nlohmann::json& entry) {
  const auto text = entry.find("dtype");
  if (text == entry.end()) return Error::corrupt("'dtype' is missing");
  if (!text->is_string()) return Error::corrupt("'dtype': expected a string, found {}", text->type_name());
  const auto& name = text->get_ref<const std::string&>();
  const auto dtype = dtype_from_safetensors(name);
  if (!dtype) return Error::unsupported("dtype {} cannot be read", quote(name));
  return *dtype;
}

/// `data_begin` is where the data section begins in the file, `data_bytes` its length.
Status read_entry(const nlohmann::json& entry, uint64_t data_begin, uint64_t data_bytes, Listed& listed) {
  if (!entry.is_object()) return Error::corrupt("expected an object, found {}", entry.type_name());
  TensorView& view = listed.tensor.view;
  TRY_ASSIGN(view.dtype, read_dtype(entry));
  TRY_ASSIGN(const auto dims, read_numbers(entry, "shape"));
  TRY_ASSIGN(view.shape, checked_shape(view.dtype, dims));
  TRY_ASSIGN(const auto offsets, read_numbers(entry, "data_offsets"));
  if (offsets.size() != 2) return Error::corrupt("'data_offsets': expected 2 numbers, found {}", offsets.size());
  listed.begin = offsets[0];
  listed.end = offsets[1];
  if (listed.begin > listed.end || listed.end > data_bytes)
    return Error::corrupt("data bytes {} to {}, expected a range inside the {} data bytes", listed.begin, listed.end,
                          data_bytes);
  if (listed.end - listed.begin != view.bytes())
    return Error::corrupt("data bytes {} to {} are {}, but shape {} of {} takes {}", listed.begin, listed.end,
                          listed.end - listed.begin, to_string(view.shape), name(view.dtype), view.bytes());
  const auto element_bytes = static_cast<uint64_t>(info(view.dtype).block_bytes);
  if ((data_begin + listed.begin) % element_bytes != 0)
    return Error::unsupported("data begins at byte {} of the file, expected a multiple of {}",
                              data_begin + listed.begin, element_bytes);
  return {};
}

Status read_metadata(const nlohmann::json& entries, std::map<std::string, std::string>& metadata) {
  if (!entries.is_object())
    return Error::corrupt("'{}': expected an object, found {}", kMetadataKey, entries.type_name());
  for (const auto& [key, value] : entries.items()) {
    if (!value.is_string())
      return Error::corrupt("'{}', key {}: expected a string, found {}", kMetadataKey, quote(key), value.type_name());
    metadata[key] = value.get<std::string>();
  }
  return {};
}

/// The tensors, sorted by their data, must fill it exactly.
Status refuse_gaps(const std::vector<Listed>& tensors, uint64_t data_bytes) {
  uint64_t end = 0;
  for (const Listed& listed : tensors) {
    if (listed.begin != end)
      return Error::corrupt("tensor {} begins at data byte {}, expected {}: {}", quote(listed.tensor.name),
                            listed.begin, end, listed.begin < end ? "tensors overlap" : "a hole before it");
    end = listed.end;
  }
  if (end != data_bytes) return Error::corrupt("the tensors take {} data bytes, but the file has {}", end, data_bytes);
  return {};
}

}  // namespace

Result<Safetensors> Safetensors::open(const std::filesystem::path& path) {
  TRY_ASSIGN(auto file, MappedFile::open(path));
  TRY_ASSIGN(auto safetensors, parse(file.bytes(), path.string()));
  safetensors.file_ = std::move(file);
  return safetensors;
}

Result<Safetensors> Safetensors::parse(std::span<const std::byte> bytes, std::string name) {
  Safetensors safetensors;
  safetensors.path_ = std::move(name);
  if (auto status = safetensors.read(bytes); !status) return std::move(status).error().in(safetensors.path_);
  return safetensors;
}

Status Safetensors::read(std::span<const std::byte> bytes) {
  file_bytes_ = bytes.size();
  ByteReader in(bytes);
  TRY_ASSIGN(const auto header_bytes, in.read<uint64_t>("the header length"));
  if (header_bytes > in.remaining())
    return Error::corrupt("a header of {} bytes announced, the file has {} after the length", header_bytes,
                          in.remaining());
  if (header_bytes > kMaxHeaderBytes)
    return Error::corrupt("a header of {} bytes, at most {} expected", header_bytes, kMaxHeaderBytes);
  TRY_ASSIGN(const auto raw, in.take(header_bytes, "the header"));
  header_ = bytes.first(in.offset());
  const std::string_view text(reinterpret_cast<const char*>(raw.data()), raw.size());
  if (!text.starts_with('{'))
    return Error::corrupt("the header begins with {}, expected '{{'", quote(text.substr(0, 1)));
  TRY_ASSIGN(const auto header, parse_json(text, "header"));

  std::vector<Listed> list;
  for (const auto& [key, entry] : header.items()) {
    if (key == kMetadataKey) {
      TRY(read_metadata(entry, metadata_));
      continue;
    }
    Listed listed;
    listed.tensor.name = key;
    if (auto status = read_entry(entry, in.offset(), in.remaining(), listed); !status)
      return std::move(status).error().in(fmt::format("tensor {}", quote(key)));
    listed.tensor.view.data = bytes.data() + in.offset() + listed.begin;
    list.push_back(std::move(listed));
  }
  // A tensor without bytes sorts before the one that shares its begin.
  std::ranges::sort(list, {}, [](const Listed& listed) { return std::pair(listed.begin, listed.end); });
  TRY(refuse_gaps(list, in.remaining()));
  tensors_.reserve(list.size());
  for (Listed& listed : list) tensors_.push_back(std::move(listed.tensor));
  return {};
}

const TensorView* Safetensors::find_tensor(std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, &NamedTensor::name);
  return found == tensors_.end() ? nullptr : &found->view;
}

}  // namespace adder
