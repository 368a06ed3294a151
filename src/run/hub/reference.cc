#include "run/hub/reference.h"

#include <algorithm>

namespace adder {
namespace {

constexpr size_t kMostName = 96, kMostRevision = 200, kMostType = 200;

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_word(std::string_view text, std::string_view also) {
  return !text.empty() &&
         std::ranges::all_of(text, [&](char c) { return is_alphanumeric(c) || also.find(c) != also.npos; });
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

bool is_repository_part(std::string_view text) {
  const auto is_edge = [](char c) { return c == '-' || c == '.'; };
  return is_word(text, "-_.") && !is_edge(text.front()) && !is_edge(text.back()) && !contains(text, "--") &&
         !contains(text, "..") && !text.ends_with(".git");
}

bool is_revision(std::string_view text) {
  return is_word(text, "-_./") && text.size() <= kMostRevision && !contains(text, "..") && !contains(text, "//") &&
         !text.starts_with('/') && !text.ends_with('/') && !text.starts_with('-');
}

/// What follows the first `separator`, cut off `text`; nothing when it is not there.
bool cut(std::string_view& text, char separator, std::string_view& rest) {
  const size_t at = text.find(separator);
  if (at == text.npos) return false;
  rest = text.substr(at + 1);
  text = text.substr(0, at);
  return true;
}

}  // namespace

bool is_commit(std::string_view revision) {
  return revision.size() == 40 &&
         std::ranges::all_of(revision, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool HubReference::is_pinned() const {
  return is_commit(revision);
}

std::string HubReference::text() const {
  return repository() + (revision == "main" ? "" : "@" + revision) + (type.empty() ? "" : ":" + type);
}

Result<HubReference> parse_reference(std::string_view text) {
  const auto no_reference = [text](std::string_view what) {
    return Error::usage("'{}': {}; expected ORG/NAME, ORG/NAME:TYPE or ORG/NAME@REVISION:TYPE", text, what);
  };
  HubReference reference;
  std::string_view organization = text, name, revision, type;
  if (cut(organization, ':', type)) {
    if (!is_word(type, "-_.") || type.size() > kMostType) return no_reference("the TYPE after ':' is none");
    reference.type = type;
  }
  if (cut(organization, '@', revision)) {
    if (!is_revision(revision)) return no_reference("the REVISION after '@' is none");
    reference.revision = revision;
  }
  cut(organization, '/', name);
  if (!is_repository_part(organization) || !is_repository_part(name) ||
      organization.size() + 1 + name.size() > kMostName)
    return no_reference("this is no name of a repository");
  reference.organization = organization;
  reference.name = name;
  return reference;
}

bool looks_like_reference(std::string_view model) {
  const auto reference = parse_reference(model);
  return reference && std::ranges::none_of(std::to_array<std::string_view>({".gguf", ".safetensors", ".json"}),
                                           [&](std::string_view end) { return reference->name.ends_with(end); });
}

}  // namespace adder
