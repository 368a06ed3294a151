#include "run/hub/repository.h"

#include <algorithm>

#include "core/base/utf8.h"
#include "core/formats/json.h"
#include "core/formats/names.h"

namespace adder {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMostSize = uint64_t{1} << 50;  // a pebibyte; sums of thousands stay far from overflow
constexpr size_t kMostFiles = 8192, kMostPath = 1024, kMostComponent = 255;

/// Everything but RFC 3986's unreserved characters and those in `also` becomes %XX.
std::string escaped(std::string_view text, std::string_view also) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-_.~").find(c) != std::string_view::npos || also.find(c) != also.npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

const Json* member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string text_member(const Json& object, const char* name) {
  const Json* const value = member(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

Result<RemoteFile> parse_file(const Json& sibling, const std::string& where) {
  const Json* const lfs = member(sibling, "lfs");
  const bool is_large = lfs != nullptr && lfs->is_object();
  const Json* const size = member(is_large ? *lfs : sibling, "size");
  if (size == nullptr || !size->is_number_unsigned())
    return Error::corrupt("{}: expected a size in bytes, found {}", where, size == nullptr ? "none" : size->dump());
  return checked_file(text_member(sibling, "rfilename"), size->get<uint64_t>(),
                      is_large ? DigestKind::kSha256 : DigestKind::kGitBlob,
                      is_large ? text_member(*lfs, "sha256") : text_member(sibling, "blobId"), where);
}

}  // namespace

const RemoteFile* Repository::find(std::string_view path) const {
  const auto found = std::ranges::find(files, path, &RemoteFile::path);
  return found == files.end() ? nullptr : &*found;
}

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kMostPath || !is_utf8(path)) return false;
  const auto is_bad = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\'; };
  if (std::ranges::any_of(path, is_bad)) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view component = path.substr(begin, end - begin);
    if (component.empty() || component == "." || component == ".." || component.size() > kMostComponent) return false;
    begin = end + 1;
  }
  return true;
}

std::string repository_url(std::string_view endpoint, const HubReference& reference) {
  return fmt::format("{}/api/models/{}/revision/{}?blobs=true", endpoint, reference.repository(),
                     escaped(reference.revision, ""));
}

std::string file_url(std::string_view endpoint, std::string_view repository, std::string_view commit,
                     std::string_view path) {
  return fmt::format("{}/{}/resolve/{}/{}", endpoint, repository, commit, escaped(path, "/"));
}

Result<RemoteFile> checked_file(std::string path, uint64_t size, DigestKind kind, std::string digest,
                                std::string_view source) {
  if (!is_safe_path(path)) return Error::corrupt("{}: {} is no path inside a repository", source, quote(path));
  if (size > kMostSize) return Error::corrupt("{}: {}: {} bytes are no size of a file", source, quote(path), size);
  if (!is_digest(kind, digest))
    return Error::corrupt("{}: {}: expected its {}, found {}", source, quote(path), name(kind), quote(digest));
  return RemoteFile{std::move(path), size, kind, std::move(digest)};
}

Result<Repository> parse_repository(std::string_view json, std::string_view source) {
  TRY_ASSIGN(const Json answer, parse_json(json, source));
  Repository repository{text_member(answer, "sha"), {}};
  if (!is_commit(repository.commit))
    return Error::corrupt("{}: 'sha': expected a commit, found {}", source, quote(repository.commit));
  const Json* const siblings = member(answer, "siblings");
  if (siblings == nullptr || !siblings->is_array())
    return Error::corrupt("{}: 'siblings': expected the list of files", source);
  if (siblings->size() > kMostFiles)
    return Error::too_large("{}: {} files, at most {} expected", source, siblings->size(), kMostFiles);
  for (size_t i = 0; i < siblings->size(); ++i) {
    TRY_ASSIGN(repository.files.emplace_back(),
               parse_file((*siblings)[i], fmt::format("{}: 'siblings'[{}]", source, i)));
  }
  std::ranges::sort(repository.files, {}, &RemoteFile::path);
  const auto twice = std::ranges::adjacent_find(repository.files, {}, &RemoteFile::path);
  if (twice != repository.files.end()) return Error::corrupt("{}: {} is there twice", source, quote(twice->path));
  return repository;
}

}  // namespace adder
