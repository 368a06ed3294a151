#include "core/formats/gguf_split.h"

#include <fmt/format.h>

#include <string>
#include <unordered_set>

#include "core/formats/gguf.h"
#include "core/formats/names.h"
#include "core/formats/seal.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".gguf";

std::string ending(size_t no, size_t count) {
  return fmt::format("-{:05}-of-{:05}{}", no + 1, count, kSuffix);
}

/// What every file of one split must say alike; nothing where neither says it.
Status expect_same(const Gguf& first, const Gguf& other, std::string_view key) {
  const GgufEntry *ours = first.find(key), *theirs = other.find(key);
  if (ours == nullptr || theirs == nullptr || ours->value == theirs->value) return {};
  return Error::corrupt("{}: belongs to another model or another split of it: its {} is not that of {}", other.path(),
                        quote(key), first.path());
}

}  // namespace

fs::path split_path(const fs::path& model, size_t no, size_t count) {
  std::string name = model.filename().string();
  if (name.ends_with(kSuffix)) name.resize(name.size() - kSuffix.size());
  return model.parent_path() / (name + ending(no, count));
}

fs::path unsplit_path(const fs::path& file, size_t no, size_t count) {
  std::string name = file.filename().string();
  const std::string end = ending(no, count);
  if (!name.ends_with(end)) return {};
  name.resize(name.size() - end.size());
  return file.parent_path() / (name + std::string(kSuffix));
}

Status Gguf::join_split() {
  if (find(kSplitCountKey) == nullptr) return {};
  TRY_ASSIGN(const int64_t count, integer(kSplitCountKey));
  TRY_ASSIGN(const int64_t no, integer(kSplitNoKey));
  if (count < 1 || count > static_cast<int64_t>(kMaxSplits) || no < 0 || no >= count)
    return Error::corrupt("{}: file {} of {} of a split model, expected 0 to {} of at most {}", path_, no, count,
                          count - 1, kMaxSplits);
  if (count == 1) return {};
  const auto n = static_cast<size_t>(count);
  const fs::path model = unsplit_path(path_, static_cast<size_t>(no), n);
  if (model.empty())
    return Error::corrupt("{}: holds file {} of {} of a split model, so its name must end in {}", path_, no + 1, count,
                          ending(static_cast<size_t>(no), n));
  if (no != 0)
    return Error::usage("{}: file {} of {} of a split model; name the first, {}", path_, no + 1, count,
                        split_path(model, 0, n).string());
  for (size_t i = 1; i < n; ++i) TRY(join_file(split_path(model, i, n), i));
  if (find(kSplitTensorsKey) == nullptr) return {};
  TRY_ASSIGN(const int64_t expected, integer(kSplitTensorsKey));
  if (static_cast<size_t>(expected) != tensors_.size())
    return Error::corrupt("{}: the {} files hold {} tensors, {} says {}", path_, n, tensors_.size(), kSplitTensorsKey,
                          expected);
  return {};
}

Status Gguf::join_file(const fs::path& path, size_t no) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    return Error::not_found("{}: a file of the split model is missing: {}", path_, path.string());
  TRY_ASSIGN(Gguf other, open_one(path));
  TRY_ASSIGN(const int64_t found, other.integer(kSplitNoKey));
  if (static_cast<size_t>(found) != no)
    return Error::corrupt("{}: says it is file {} of the split model, its name says {}", other.path_, found + 1,
                          no + 1);
  for (const std::string_view key : {kSplitCountKey, kSplitTensorsKey, kModelHashKey})
    TRY(expect_same(*this, other, key));
  std::unordered_set<std::string_view> names;
  for (const NamedTensor& tensor : tensors_) names.insert(tensor.name);
  for (const NamedTensor& tensor : other.tensors_)
    if (names.contains(tensor.name))
      return Error::corrupt("{}: tensor {} is in an earlier file of the split model too", other.path_,
                            quote(tensor.name));
  tensors_.insert(tensors_.end(), other.tensors_.begin(), other.tensors_.end());
  more_.push_back(std::move(other));
  return {};
}

}  // namespace adder
