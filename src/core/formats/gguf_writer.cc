#include "core/formats/gguf_writer.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/base/check.h"
#include "core/formats/gguf_type.h"

namespace adder {
namespace {

template <class T>
void append(std::string& out, T value) {
  static_assert(std::is_arithmetic_v<T>);
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof value);
  out.append(raw, sizeof raw);
}

void append_text(std::string& out, std::string_view text) {
  append<uint64_t>(out, text.size());
  out.append(text);
}

/// One number, narrowed to the type the file stores it in.
template <class Wide>
void append_number(std::string& out, GgufType type, Wide value) {
  switch (type) {
    case GgufType::kU8:
      return append(out, static_cast<uint8_t>(value));
    case GgufType::kI8:
      return append(out, static_cast<int8_t>(value));
    case GgufType::kU16:
      return append(out, static_cast<uint16_t>(value));
    case GgufType::kI16:
      return append(out, static_cast<int16_t>(value));
    case GgufType::kU32:
      return append(out, static_cast<uint32_t>(value));
    case GgufType::kI32:
      return append(out, static_cast<int32_t>(value));
    case GgufType::kU64:
      return append(out, static_cast<uint64_t>(value));
    case GgufType::kI64:
      return append(out, static_cast<int64_t>(value));
    case GgufType::kF32:
      return append(out, static_cast<float>(value));
    case GgufType::kF64:
      return append(out, static_cast<double>(value));
    case GgufType::kBool:
      return append(out, static_cast<uint8_t>(value));
    case GgufType::kText:
    case GgufType::kArray:
      break;
  }
  CHECK(false, "a number as GGUF type {}", gguf_type_name(static_cast<uint32_t>(type)));
}

void append_value(std::string& out, const GgufEntry& entry) {
  const auto type = static_cast<GgufType>(entry.type);
  if (entry.is_array) {
    append(out, static_cast<uint32_t>(GgufType::kArray));
    append(out, entry.type);
  } else {
    append(out, entry.type);
  }
  std::visit(
      [&]<class T>(const T& value) {
        if constexpr (std::is_same_v<T, std::string>) {
          append_text(out, value);
        } else if constexpr (std::is_arithmetic_v<T>) {
          append_number(out, type, value);
        } else {
          append<uint64_t>(out, value.size());
          for (const auto& element : value) {
            if constexpr (std::is_same_v<T, std::vector<std::string>>)
              append_text(out, element);
            else
              append_number(out, type, static_cast<typename T::value_type>(element));
          }
        }
      },
      entry.value);
}

/// Whether the variant holds what type and is_array promise; anything else would write a file nobody can read.
bool is_consistent(const GgufEntry& entry) {
  const auto type = static_cast<GgufType>(entry.type);
  const bool is_float = type == GgufType::kF32 || type == GgufType::kF64;
  return std::visit(
      [&]<class T>(const T&) {
        if constexpr (std::is_same_v<T, std::string>) return !entry.is_array && type == GgufType::kText;
        if constexpr (std::is_same_v<T, bool>) return !entry.is_array && type == GgufType::kBool;
        if constexpr (std::is_same_v<T, double>) return !entry.is_array && is_float;
        if constexpr (std::is_same_v<T, std::vector<std::string>>) return entry.is_array && type == GgufType::kText;
        if constexpr (std::is_same_v<T, std::vector<bool>>) return entry.is_array && type == GgufType::kBool;
        if constexpr (std::is_same_v<T, std::vector<double>>) return entry.is_array && is_float;
        const bool is_integer = entry.type < kGgufTypes && !is_float && type != GgufType::kText &&
                                type != GgufType::kBool && type != GgufType::kArray;
        return is_integer && entry.is_array == std::is_same_v<T, std::vector<int64_t>>;
      },
      entry.value);
}

uint64_t padded(uint64_t n, uint64_t alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

}  // namespace

void GgufWriter::set(std::string key, std::string value) {
  set({std::move(key), static_cast<uint32_t>(GgufType::kText), false, std::move(value)});
}
void GgufWriter::set(std::string key, bool value) {
  set({std::move(key), static_cast<uint32_t>(GgufType::kBool), false, value});
}
void GgufWriter::set_u32(std::string key, uint32_t value) {
  set({std::move(key), static_cast<uint32_t>(GgufType::kU32), false, uint64_t{value}});
}
void GgufWriter::set_f32(std::string key, float value) {
  set({std::move(key), static_cast<uint32_t>(GgufType::kF32), false, double{value}});
}
void GgufWriter::set_i32s(std::string key, const std::vector<int32_t>& values) {
  set({std::move(key), static_cast<uint32_t>(GgufType::kI32), true,
       std::vector<int64_t>(values.begin(), values.end())});
}
void GgufWriter::set_texts(std::string key, std::vector<std::string> values) {
  set({std::move(key), static_cast<uint32_t>(GgufType::kText), true, std::move(values)});
}

void GgufWriter::set(GgufEntry entry) {
  CHECK(!file_, "set '{}' after begin", entry.key);
  CHECK(!entry.key.empty() && is_consistent(entry), "'{}' as {}", entry.key, describe_type(entry));
  const auto same = std::ranges::find(metadata_, entry.key, &GgufEntry::key);
  if (same == metadata_.end())
    metadata_.push_back(std::move(entry));
  else
    *same = std::move(entry);
}

void GgufWriter::add_tensor(std::string name, DType dtype, const Shape& shape) {
  CHECK(!file_, "add_tensor '{}' after begin", name);
  CHECK(!name.empty() && std::ranges::find(tensors_, name, &Pending::name) == tensors_.end(), "'{}'", name);
  CHECK(info(dtype).ggml_type >= 0, "GGUF has no type for '{}' of {}", name, info(dtype).name);
  CHECK(shape.rank() >= 1 && shape.elements() > 0 && shape.row_length() % info(dtype).block_size == 0, "'{}' {} {}",
        name, info(dtype).name, to_string(shape));
  tensors_.push_back({std::move(name), {dtype, shape, nullptr}});
}

uint64_t GgufWriter::alignment() const {
  const auto entry = std::ranges::find(metadata_, kGgufAlignmentKey, &GgufEntry::key);
  if (entry == metadata_.end()) return kGgufDefaultAlignment;
  const auto* alignment = std::get_if<uint64_t>(&entry->value);
  CHECK(alignment != nullptr && is_gguf_alignment(*alignment), "{}", describe_type(*entry));
  return *alignment;
}

std::string GgufWriter::header() const {
  std::string out(kGgufMagic);
  append(out, kGgufVersion);
  append<uint64_t>(out, tensors_.size());
  append<uint64_t>(out, metadata_.size());
  for (const GgufEntry& entry : metadata_) {
    append_text(out, entry.key);
    append_value(out, entry);
  }
  uint64_t offset = 0;
  for (const auto& [name, view] : tensors_) {
    append_text(out, name);
    append(out, static_cast<uint32_t>(view.shape.rank()));
    for (int i = view.shape.rank() - 1; i >= 0; --i) append(out, static_cast<uint64_t>(view.shape[i]));
    append(out, static_cast<uint32_t>(info(view.dtype).ggml_type));
    append(out, offset);
    offset += padded(view.bytes(), alignment());
  }
  return out;
}

Status GgufWriter::pad() {
  const uint64_t written = file_->bytes_written();
  return file_->write(std::string(static_cast<size_t>(padded(written, alignment()) - written), '\0'));
}

Status GgufWriter::begin(const std::filesystem::path& path) {
  CHECK(!file_, "begin twice");
  TRY_ASSIGN(file_, AtomicFile::create(path));
  TRY(file_->write(header()));
  return pad();
}

Status GgufWriter::write_tensor(std::span<const std::byte> bytes) {
  CHECK(file_ && next_ < tensors_.size(), "tensor {} of {}", next_, tensors_.size());
  const auto& [name, view] = tensors_[next_++];
  CHECK(bytes.size() == view.bytes(), "'{}' has {} bytes, {} given", name, view.bytes(), bytes.size());
  TRY(file_->write(bytes));
  return pad();
}

Status GgufWriter::finish() {
  CHECK(file_ && next_ == tensors_.size(), "{} of {} tensors written", next_, tensors_.size());
  return file_->commit();
}

}  // namespace adder
