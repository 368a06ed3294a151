#include "core/formats/gguf.h"

#include <algorithm>
#include <utility>

#include "core/formats/byte_reader.h"
#include "core/formats/gguf_metadata.h"
#include "core/formats/gguf_tensors.h"
#include "core/formats/gguf_type.h"
#include "core/formats/names.h"

namespace adder {
namespace {

Status read_magic_and_version(ByteReader& in) {
  TRY_ASSIGN(const auto magic, in.take(kGgufMagic.size(), "the magic number"));
  const std::string_view found(reinterpret_cast<const char*>(magic.data()), magic.size());
  if (found != kGgufMagic)
    return Error::corrupt("not a GGUF file: begins with {}, expected {}", quote(found), quote(kGgufMagic));
  TRY_ASSIGN(const auto version, in.read<uint32_t>("the version"));
  if (version == kGgufVersion) return {};
  if (const uint32_t swapped = __builtin_bswap32(version); swapped >= 1 && swapped <= kGgufVersion)
    return Error::unsupported("a big-endian GGUF file (version {}), expected little-endian version {}", swapped,
                              kGgufVersion);
  return Error::unsupported("GGUF version {}, expected {}", version, kGgufVersion);
}

}  // namespace

Result<Gguf> Gguf::open(const std::filesystem::path& path) {
  TRY_ASSIGN(Gguf gguf, open_one(path));
  TRY(gguf.join_split());
  return gguf;
}

Result<Gguf> Gguf::open_one(const std::filesystem::path& path) {
  TRY_ASSIGN(auto file, MappedFile::open(path));
  TRY_ASSIGN(auto gguf, parse(file.bytes(), path.string()));
  gguf.file_ = std::move(file);
  return gguf;
}

Result<Gguf> Gguf::parse(std::span<const std::byte> bytes, std::string name) {
  Gguf gguf;
  gguf.path_ = std::move(name);
  if (auto status = gguf.read(bytes); !status) return std::move(status).error().in(gguf.path_);
  return gguf;
}

Status Gguf::read(std::span<const std::byte> bytes) {
  bytes_ = bytes;
  ByteReader in(bytes);
  TRY(read_magic_and_version(in));
  TRY_ASSIGN(const auto n_tensors, in.read<uint64_t>("the tensor count"));
  TRY_ASSIGN(const auto n_entries, in.read<uint64_t>("the metadata count"));
  TRY_ASSIGN(metadata_, read_gguf_metadata(in, n_entries));
  if (const GgufEntry* entry = find(kGgufAlignmentKey)) {
    const auto* alignment = std::get_if<uint64_t>(&entry->value);
    if (alignment == nullptr || entry->type != static_cast<uint32_t>(GgufType::kU32))
      return Error::corrupt("metadata key '{}': expected u32, found {}", kGgufAlignmentKey, describe_type(*entry));
    if (!is_gguf_alignment(*alignment))
      return Error::corrupt("metadata key '{}': {}, expected a power of two from 8 to 2^19", kGgufAlignmentKey,
                            *alignment);
    alignment_ = *alignment;
  }
  TRY_ASSIGN(tensors_, read_gguf_tensors(in, n_tensors, alignment_, bytes));
  n_own_tensors_ = tensors_.size();
  data_begin_ = gguf_data_begin(in.offset(), alignment_, bytes.size());
  return {};
}

size_t Gguf::file_bytes() const {
  size_t bytes = bytes_.size();
  for (const Gguf& other : more_) bytes += other.file_bytes();
  return bytes;
}

void Gguf::release_pages(std::span<const std::byte> part) const {
  file_.release_pages(part);
  for (const Gguf& other : more_) other.release_pages(part);
}

const TensorView* Gguf::find_tensor(std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, &NamedTensor::name);
  return found == tensors_.end() ? nullptr : &found->view;
}

const GgufEntry* Gguf::find(std::string_view key) const {
  const auto found = std::ranges::find(metadata_, key, &GgufEntry::key);
  return found == metadata_.end() ? nullptr : &*found;
}

}  // namespace adder
