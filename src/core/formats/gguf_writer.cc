#include "core/formats/gguf_writer.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/base/check.h"
#include "core/formats/gguf_split.h"
#include "core/formats/gguf_type.h"
#include "core/formats/seal.h"

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
  CHECK(files_.empty(), "set '{}' after begin", entry.key);
  CHECK(!entry.key.empty() && is_consistent(entry), "'{}' as {}", entry.key, describe_type(entry));
  const auto same = std::ranges::find(metadata_, entry.key, &GgufEntry::key);
  if (same == metadata_.end())
    metadata_.push_back(std::move(entry));
  else
    *same = std::move(entry);
}

void GgufWriter::replace(GgufEntry entry) {
  const auto same = std::ranges::find(metadata_, entry.key, &GgufEntry::key);
  CHECK(same != metadata_.end() && is_consistent(entry), "'{}' as {}", entry.key, describe_type(entry));
  *same = std::move(entry);
}

void GgufWriter::add_tensor(std::string name, DType dtype, const Shape& shape) {
  CHECK(files_.empty(), "add_tensor '{}' after begin", name);
  CHECK(info(dtype).ggml_type >= 0, "GGUF has no type for '{}' of {}", name, info(dtype).name);
  CHECK(shape.rank() >= 1 && shape.elements() > 0 && shape.row_length() % info(dtype).block_size == 0, "'{}' {} {}",
        name, info(dtype).name, to_string(shape));
  stream_.announce(std::move(name), dtype, shape);
}

uint64_t GgufWriter::alignment() const {
  const auto entry = std::ranges::find(metadata_, kGgufAlignmentKey, &GgufEntry::key);
  if (entry == metadata_.end()) return kGgufDefaultAlignment;
  const auto* alignment = std::get_if<uint64_t>(&entry->value);
  CHECK(alignment != nullptr && is_gguf_alignment(*alignment), "{}", describe_type(*entry));
  return *alignment;
}

std::vector<GgufWriter::File> GgufWriter::shares(const std::filesystem::path& path) const {
  std::vector<File> files(1);
  files[0].path = path;
  uint64_t bytes = 0;
  for (const auto& [name, view, hash] : stream_.tensors()) {
    const uint64_t more = padded(view.bytes(), alignment());
    if (split_bytes_ > 0 && files.back().end > files.back().begin && bytes + more > split_bytes_) {
      files.push_back({path, files.back().end, files.back().end, 0, {}});
      bytes = 0;
    }
    ++files.back().end;
    bytes += more;
  }
  for (size_t i = 0; files.size() > 1 && i < files.size(); ++i) files[i].path = split_path(path, i, files.size());
  return files;
}

/// What a file has beside the model's metadata: its place in a split, its seal. All files but the first have only this.
std::vector<GgufEntry> GgufWriter::own_entries(const File& file) const {
  const auto scalar = [](std::string_view key, GgufType type, GgufValue value) {
    return GgufEntry{std::string(key), static_cast<uint32_t>(type), false, std::move(value)};
  };
  std::vector<GgufEntry> entries;
  if (files_.size() > 1) {
    const auto no = static_cast<uint64_t>(&file - files_.data());
    entries.push_back(scalar(kSplitNoKey, GgufType::kU16, no));
    entries.push_back(scalar(kSplitCountKey, GgufType::kU16, uint64_t{files_.size()}));
    entries.push_back(scalar(kSplitTensorsKey, GgufType::kI32, static_cast<int64_t>(stream_.tensors().size())));
    for (const std::string_view key : {kGgufAlignmentKey, kModelHashKey}) {
      const auto shared = std::ranges::find(metadata_, key, &GgufEntry::key);
      if (no > 0 && shared != metadata_.end()) entries.push_back(*shared);
    }
  }
  if (is_sealed_) {
    std::vector<std::string> hashes;
    for (size_t i = file.begin; i < file.end; ++i) {
      const std::string& hash = stream_.tensors()[i].hash;
      hashes.push_back(hash.empty() ? std::string(kBlankHash) : hash);
    }
    entries.push_back(scalar(kHeaderHashKey, GgufType::kText, std::string(kBlankHash)));
    entries.push_back({std::string(kTensorHashesKey), static_cast<uint32_t>(GgufType::kText), true, std::move(hashes)});
  }
  return entries;
}

/// All bytes before the data section. general.architecture, which comes first, stays first; the file's own entries
/// follow, so that a damaged count of entries does not make a reader miss them.
std::string GgufWriter::header(const File& file) const {
  const bool is_first = file.begin == 0;
  const std::vector<GgufEntry> own = own_entries(file);
  std::string out(kGgufMagic);
  append(out, kGgufVersion);
  append<uint64_t>(out, file.end - file.begin);
  append<uint64_t>(out, own.size() + (is_first ? metadata_.size() : 0));
  const auto append_entry = [&](const GgufEntry& entry) {
    append_text(out, entry.key);
    append_value(out, entry);
  };
  const size_t before = is_first ? std::min<size_t>(1, metadata_.size()) : 0;
  for (size_t i = 0; i < before; ++i) append_entry(metadata_[i]);
  for (const GgufEntry& entry : own) append_entry(entry);
  for (size_t i = before; is_first && i < metadata_.size(); ++i) append_entry(metadata_[i]);

  uint64_t offset = 0;
  for (size_t t = file.begin; t < file.end; ++t) {
    const auto& [name, view, hash] = stream_.tensors()[t];
    append_text(out, name);
    append(out, static_cast<uint32_t>(view.shape.rank()));
    for (int i = view.shape.rank() - 1; i >= 0; --i) append(out, static_cast<uint64_t>(view.shape[i]));
    append(out, static_cast<uint32_t>(info(view.dtype).ggml_type));
    append(out, offset);
    offset += padded(view.bytes(), alignment());
  }
  out.resize(padded(out.size(), alignment()), '\0');
  return out;
}

uint64_t GgufWriter::header_bytes() const {
  File whole;
  whole.end = stream_.tensors().size();
  return header(whole).size();
}

GgufWriter::File& GgufWriter::file_at_work() {
  CHECK(!files_.empty() && !stream_.is_done(), "tensor {} of {}", stream_.n_written(), stream_.tensors().size());
  return *std::ranges::find_if(files_, [&](const File& file) { return stream_.n_written() < file.end; });
}

Status GgufWriter::pad(File& file) {
  const uint64_t written = file.file->bytes_written();
  return file.file->write(std::string(static_cast<size_t>(padded(written, alignment()) - written), '\0'));
}

Status GgufWriter::begin(const std::filesystem::path& path) {
  CHECK(files_.empty(), "begin twice");
  files_ = shares(path);
  std::error_code ignored;
  for (const File& file : files_) {
    if (files_.size() > 1 && std::filesystem::exists(file.path, ignored))
      return Error::usage("{}: exists already, and a split model is written to new files only", file.path.string());
  }
  for (File& file : files_) {
    TRY_ASSIGN(file.file, AtomicFile::create(file.path));
    const std::string text = header(file);
    file.header_bytes = text.size();
    TRY(file.file->write(text));
  }
  return {};
}

Status GgufWriter::write_tensor(std::span<const std::byte> bytes) {
  File& file = file_at_work();
  TRY(stream_.write_whole(*file.file, bytes));
  return pad(file);
}

Status GgufWriter::write_part(std::span<const std::byte> bytes) {
  File& file = file_at_work();
  TRY(stream_.write(*file.file, bytes));
  return stream_.is_between_tensors() ? pad(file) : Status();
}

Status GgufWriter::finish() {
  CHECK(!files_.empty() && stream_.is_done(), "{} of {} tensors written", stream_.n_written(),
        stream_.tensors().size());
  for (File& file : files_) {
    std::string text = header(file);
    CHECK(text.size() == file.header_bytes, "a header of {} bytes became one of {}", file.header_bytes, text.size());
    if (is_sealed_) seal_gguf_header(text);
    TRY(file.file->overwrite(0, text));
  }
  for (size_t i = files_.size(); i-- > 0;) TRY(files_[i].file->commit());
  return {};
}

std::vector<std::filesystem::path> GgufWriter::paths() const {
  std::vector<std::filesystem::path> paths;
  for (const File& file : files_) paths.push_back(file.path);
  return paths;
}

}  // namespace adder
