#include "core/formats/seal.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/formats/gguf_type.h"
#include "core/formats/json.h"
#include "core/formats/names.h"

namespace adder {
namespace {

constexpr std::string_view kSealOpening = "\"seal\": \"";

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// The bytes that come before the digits of kHeaderHashKey in a GGUF file: key, type, length.
std::string header_hash_opening() {
  return raw(uint64_t{kHeaderHashKey.size()}) + std::string(kHeaderHashKey) +
         raw(static_cast<uint32_t>(GgufType::kText)) + raw(uint64_t{kBlankHash.size()});
}

/// Where the digits after `opening` are; npos if they are not there whole.
size_t digits_after(std::string_view text, std::string_view opening) {
  const size_t found = text.find(opening);
  if (found == text.npos || text.size() - found - opening.size() < kBlankHash.size()) return text.npos;
  return found + opening.size();
}

std::string hash_of(std::string_view text) {
  return hash128_hex(std::as_bytes(std::span(text)));
}

void fill_in(std::string& text, std::string_view opening) {
  const size_t digits = digits_after(text, opening);
  CHECK(digits != text.npos && text.compare(digits, kBlankHash.size(), kBlankHash) == 0, "no blank for the seal");
  text.replace(digits, kBlankHash.size(), hash_of(text));
}

/// Whether the digits after `opening` are the hash of `text` without them.
bool is_whole(std::string text, std::string_view opening) {
  const size_t digits = digits_after(text, opening);
  if (digits == text.npos) return false;
  const std::string said = text.substr(digits, kBlankHash.size());
  text.replace(digits, kBlankHash.size(), kBlankHash);
  return hash_of(text) == said;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

/// What lies between the tensors of a sealed file is zero, and nothing lies after them.
void check_padding(const Gguf& file, Seal& seal) {
  std::vector<std::span<const std::byte>> spans = {file.header()};
  for (const NamedTensor& tensor : file.own_tensors()) spans.push_back(tensor.view.span());
  std::ranges::sort(spans, {}, [](const auto& span) { return span.data(); });
  const std::byte* end = file.bytes().data() + file.bytes().size();
  for (size_t i = 0; i < spans.size(); ++i) {
    const std::byte* begin = spans[i].data() + spans[i].size();
    const std::byte* next = i + 1 < spans.size() ? spans[i + 1].data() : end;
    if (static_cast<size_t>(next - begin) >= file.alignment() || !is_zero({begin, next}))
      seal.damage.push_back(
          fmt::format("{}: the padding at byte {} is not as it was written", file.path(), begin - file.bytes().data()));
  }
}

Status read_gguf_seal(const Gguf& file, Seal& seal) {
  TRY_ASSIGN(const std::vector<std::string> hashes, file.texts(kTensorHashesKey));
  const auto tensors = file.own_tensors();
  if (hashes.size() != tensors.size())
    return Error::corrupt("{}: the receipt has hashes of {} tensors, the file has {}", file.path(), hashes.size(),
                          tensors.size());
  for (size_t i = 0; i < hashes.size(); ++i) seal.tensor_hashes[tensors[i].name] = hashes[i];
  if (!is_whole(text_of(file.header()), header_hash_opening()))
    seal.damage.push_back(fmt::format("{}: the metadata or the tensor list is not as it was written", file.path()));
  check_padding(file, seal);
  return {};
}

bool has_receipt(const Gguf& file) {
  return std::ranges::any_of(file.metadata(),
                             [](const GgufEntry& entry) { return entry.key.starts_with(kReceiptPrefix); });
}

Result<std::optional<Seal>> read_seals(const Gguf& file) {
  const auto others_have = std::ranges::count_if(file.more(), has_receipt);
  if (!has_receipt(file) && others_have == 0) return std::optional<Seal>();
  Seal seal;
  TRY(read_gguf_seal(file, seal));
  for (const Gguf& other : file.more()) TRY(read_gguf_seal(other, seal));
  return std::optional(std::move(seal));
}

/// The file's bytes that the seal's hash of it is about.
Result<std::string> sealed_bytes(const HfDirectory& directory, const std::string& name) {
  for (const Safetensors& shard : directory.shards())
    if (shard.path() == (directory.path() / name).string()) return text_of(shard.header());
  if (name.find('/') != name.npos) return Error::corrupt("{} is not a file of the directory", quote(name));
  return read_file(directory.path() / name);
}

Result<std::optional<Seal>> read_seal_file(const HfDirectory& directory) {
  const std::filesystem::path path = directory.path() / kSealFile;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::optional<Seal>();
  TRY_ASSIGN(const std::string text, read_file(path));
  TRY_ASSIGN(const nlohmann::json json, parse_json(text, path.string()));
  Seal seal;
  if (!is_whole(text, kSealOpening)) {
    seal.damage.push_back(fmt::format("{}: the receipt itself is not as it was written", path.string()));
    return std::optional(std::move(seal));
  }
  const nlohmann::json &files = json_member(json, "files"), &tensors = json_member(json, "tensors");
  if (!files.is_object() || !tensors.is_object())
    return Error::corrupt("{}: expected the objects 'files' and 'tensors'", path.string());
  for (const auto& [name, hash] : files.items()) {
    const auto bytes = sealed_bytes(directory, name);
    if (!bytes)
      seal.damage.push_back(bytes.error().message());
    else if (hash != hash_of(*bytes))
      seal.damage.push_back(fmt::format("{}: not as it was written", (directory.path() / name).string()));
  }
  for (const auto& [name, tensor] : tensors.items())
    if (const nlohmann::json& hash = json_member(tensor, "hash"); hash.is_string())
      seal.tensor_hashes[name] = hash.get<std::string>();
  return std::optional(std::move(seal));
}

}  // namespace

void seal_gguf_header(std::string& header) {
  fill_in(header, header_hash_opening());
}

void seal_json(std::string& text) {
  fill_in(text, kSealOpening);
}

Result<std::optional<Seal>> read_seal(const ModelFile& file) {
  return file.gguf() ? read_seals(*file.gguf()) : read_seal_file(*file.hf());
}

}  // namespace adder
