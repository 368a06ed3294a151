#include <nlohmann/json.hpp>
#include <string_view>

#include "core/base/check.h"
#include "core/formats/safetensors.h"

namespace adder {

void SafetensorsWriter::add_tensor(std::string name, DType dtype, const Shape& shape) {
  CHECK(!file_, "add_tensor '{}' after begin", name);
  CHECK(name != "__metadata__", "'{}'", name);
  CHECK(!info(dtype).safetensors.empty(), "safetensors has no type for '{}' of {}", name, info(dtype).name);
  stream_.announce(std::move(name), dtype, shape);
}

Result<std::string> SafetensorsWriter::header() const {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata_.empty()) header["__metadata__"] = metadata_;
  uint64_t offset = 0;
  for (const auto& [name, view, hash] : stream_.tensors()) {
    const auto element_bytes = static_cast<uint64_t>(info(view.dtype).block_bytes);
    if (offset % element_bytes != 0)
      return Error::unsupported("tensor '{}' of {} would begin at data byte {}, expected a multiple of {}", name,
                                info(view.dtype).name, offset, element_bytes);
    nlohmann::ordered_json& entry = header[name];
    entry["dtype"] = info(view.dtype).safetensors;
    entry["shape"] = view.shape.dims();
    entry["data_offsets"] = {offset, offset + view.bytes()};
    offset += view.bytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the length takes 8 bytes too, so the data begins aligned
  return text;
}

Status SafetensorsWriter::begin(const std::filesystem::path& path) {
  CHECK(!file_, "begin twice");
  auto text = header();
  if (!text) return std::move(text).error().in(path.string());
  const uint64_t length = text->size();
  text->insert(0, reinterpret_cast<const char*>(&length), sizeof length);
  header_hash_ = hash128_hex(std::as_bytes(std::span(*text)));
  TRY_ASSIGN(file_, AtomicFile::create(path));
  return file_->write(*text);
}

Status SafetensorsWriter::write_tensor(std::span<const std::byte> bytes) {
  CHECK(file_, "write_tensor before begin");
  return stream_.write_whole(*file_, bytes);
}

Status SafetensorsWriter::write_part(std::span<const std::byte> bytes) {
  CHECK(file_, "write_part before begin");
  return stream_.write(*file_, bytes);
}

Status SafetensorsWriter::finish() {
  CHECK(file_ && stream_.is_done(), "{} of {} tensors written", stream_.n_written(), stream_.tensors().size());
  return file_->commit();
}

}  // namespace adder
