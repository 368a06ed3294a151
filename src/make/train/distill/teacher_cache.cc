#include "make/train/distill/teacher_cache.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/atomic_file.h"
#include "core/base/hash.h"
#include "core/base/mapped_file.h"
#include "core/formats/json.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHashBytes = 32;  // hexadecimal digits at the beginning of a file, of all that follows

std::span<const std::byte> bytes_of(const torch::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

std::string hash_of(std::span<const torch::Tensor> rows) {
  Hash128 hash;
  for (const torch::Tensor& tensor : rows) hash.update(bytes_of(tensor));
  return hash.hex();
}

}  // namespace

Result<std::shared_ptr<TeacherCache>> TeacherCache::open(const fs::path& folder, const nlohmann::json& source) {
  TRY(make_directory(folder));
  const fs::path path = folder / "teacher.json";
  if (fs::exists(path)) {
    TRY_ASSIGN(const std::string text, read_file(path));
    TRY_ASSIGN(const nlohmann::json found, parse_json(text, path.string()));
    if (found != source) {
      return Error::usage("{}: keeps what another teacher says: {}, expected {}", folder.string(), found.dump(),
                          source.dump());
    }
  } else {
    TRY(write_file(path, source.dump(2) + "\n"));
  }
  return std::shared_ptr<TeacherCache>(new TeacherCache(folder));
}

std::string TeacherCache::name_of(const torch::Tensor& tokens, const torch::Tensor& starts) {
  Hash128 hash;
  hash.update(bytes_of(tokens.cpu().contiguous()));
  if (starts.defined()) hash.update(bytes_of(starts.cpu().contiguous()));
  return hash.hex();
}

fs::path TeacherCache::path_of(const std::string& window) const {
  return folder_ / window.substr(0, 2) / window.substr(2);  // folders of millions of files are slow
}

bool TeacherCache::find(const std::string& window, std::span<const torch::Tensor> rows) const {
  const auto file = MappedFile::open(path_of(window));
  if (!file) return false;
  std::span<const std::byte> left = file->bytes();
  size_t expected = kHashBytes;
  for (const torch::Tensor& tensor : rows) expected += tensor.nbytes();
  if (left.size() != expected) return false;
  const std::string hash(reinterpret_cast<const char*>(left.data()), kHashBytes);
  left = left.subspan(kHashBytes);
  for (const torch::Tensor& tensor : rows) {
    std::memcpy(tensor.data_ptr(), left.data(), tensor.nbytes());
    left = left.subspan(tensor.nbytes());
  }
  return hash == hash_of(rows);
}

Status TeacherCache::write(const fs::path& path, std::span<const torch::Tensor> rows) const {
  TRY(make_directory(path.parent_path()));
  TRY_ASSIGN(AtomicFile file, AtomicFile::create(path));
  TRY(file.write(hash_of(rows)));
  for (const torch::Tensor& tensor : rows) TRY(file.write(bytes_of(tensor)));
  return file.commit();
}

void TeacherCache::keep(const std::string& window, std::span<const torch::Tensor> rows) {
  if (full_) return;
  const Status written = write(path_of(window), rows);
  if (written || full_.exchange(true)) return;
  fmt::print(stderr, "{}; going on without keeping what the teacher says\n", written.error().message());
}

}  // namespace adder
