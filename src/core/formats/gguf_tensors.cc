#include "core/formats/gguf_tensors.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <unordered_set>

#include "core/base/utf8.h"
#include "core/formats/extents.h"
#include "core/formats/names.h"

namespace adder {
namespace {

constexpr size_t kMaxNameBytes = 65535;  // ggml stops at 63; other writers need not

/// A row of the list: a tensor whose `view.data` is still missing.
struct Listed {
  NamedTensor tensor;
  uint64_t offset = 0;  ///< from the start of the data section

  uint64_t end() const { return offset + tensor.view.bytes(); }  // cannot wrap once `place` has accepted it
};

Result<std::string> read_name(ByteReader& in) {
  TRY_ASSIGN(const std::string_view name, in.text("a tensor name"));
  if (name.empty() || name.size() > kMaxNameBytes)
    return Error::corrupt("a tensor name of {} bytes, expected 1 to {}", name.size(), kMaxNameBytes);
  if (!is_utf8(name)) return Error::corrupt("tensor name {} is not UTF-8", quote(name));
  return std::string(name);
}

/// What follows the name.
Status read_placement(ByteReader& in, Listed& listed) {
  TRY_ASSIGN(const auto n_dims, in.read<uint32_t>("the dim count"));
  if (n_dims < 1 || n_dims > Shape::kMaxRank)
    return Error::corrupt("{} dims, expected 1 to {}", n_dims, Shape::kMaxRank);
  std::array<uint64_t, Shape::kMaxRank> dims{};
  for (uint32_t i = 0; i < n_dims; ++i) {
    TRY_ASSIGN(dims[n_dims - 1 - i], in.read<uint64_t>("a dim"));  // the file lists the fastest first
    if (dims[n_dims - 1 - i] == 0) return Error::corrupt("dim {} is 0", i);
  }
  TRY_ASSIGN(const auto type, in.read<uint32_t>("the tensor type"));
  const auto dtype = dtype_from_ggml(type);
  if (!dtype) return Error::unsupported("type {} ({}) cannot be read", type, ggml_type_name(type));
  listed.tensor.view.dtype = *dtype;
  TRY_ASSIGN(listed.tensor.view.shape, checked_shape(*dtype, std::span(dims).first(n_dims)));
  TRY_ASSIGN(listed.offset, in.read<uint64_t>("the data offset"));
  return {};
}

Status place(Listed& listed, uint64_t alignment, std::span<const std::byte> data) {
  if (listed.offset % alignment != 0)
    return Error::corrupt("data offset {} is not a multiple of the alignment {}", listed.offset, alignment);
  const uint64_t bytes = listed.tensor.view.bytes();
  if (listed.offset > data.size() || bytes > data.size() - listed.offset)
    return Error::corrupt("{} bytes at data offset {} reach past the end of the {} data bytes", bytes, listed.offset,
                          data.size());
  listed.tensor.view.data = data.data() + listed.offset;
  return {};
}

Status refuse_overlaps(const std::vector<Listed>& tensors) {
  std::vector<const Listed*> by_offset;
  by_offset.reserve(tensors.size());
  for (const Listed& listed : tensors) by_offset.push_back(&listed);
  std::ranges::sort(by_offset, {}, &Listed::offset);
  for (size_t i = 1; i < by_offset.size(); ++i) {
    const Listed &before = *by_offset[i - 1], &after = *by_offset[i];
    if (after.offset < before.end())
      return Error::corrupt("tensors {} and {} overlap: data bytes {} to {}, and from {}", quote(before.tensor.name),
                            quote(after.tensor.name), before.offset, before.end(), after.offset);
  }
  return {};
}

}  // namespace

size_t gguf_data_begin(size_t header_end, uint64_t alignment, size_t file_bytes) {
  const size_t padding = (alignment - header_end % alignment) % alignment;
  return std::min(header_end + padding, file_bytes);
}

Result<std::vector<NamedTensor>> read_gguf_tensors(ByteReader& in, uint64_t count, uint64_t alignment,
                                                   std::span<const std::byte> file) {
  constexpr size_t kMinListedBytes = 8 + 1 + 4 + 8 + 4 + 8;  // one-letter name, one dim
  TRY(in.expect_room(count, kMinListedBytes, "tensors"));
  std::vector<Listed> list;
  std::unordered_set<std::string> names;
  for (uint64_t i = 0; i < count; ++i) {
    Listed listed;
    TRY_ASSIGN(listed.tensor.name, read_name(in));
    if (!names.insert(listed.tensor.name).second)
      return Error::corrupt("tensor {} is there twice", quote(listed.tensor.name));
    if (auto status = read_placement(in, listed); !status)
      return std::move(status).error().in(fmt::format("tensor {}", quote(listed.tensor.name)));
    list.push_back(std::move(listed));
  }

  const auto data = file.subspan(gguf_data_begin(in.offset(), alignment, file.size()));
  for (Listed& listed : list) {
    if (auto status = place(listed, alignment, data); !status)
      return std::move(status).error().in(fmt::format("tensor {}", quote(listed.tensor.name)));
  }
  TRY(refuse_overlaps(list));

  std::vector<NamedTensor> tensors;
  tensors.reserve(list.size());
  for (Listed& listed : list) tensors.push_back(std::move(listed.tensor));
  return tensors;
}

}  // namespace adder
