#include "run/hub/choice.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "core/base/byte_size.h"
#include "core/formats/names.h"

namespace adder {
namespace {

constexpr std::string_view kGguf = ".gguf", kSafetensors = "safetensors", kUsual = "Q4_K_M";

/// A GGUF model: one file, or the parts of a split one.
struct Model {
  std::string stem;  ///< path without ".gguf" and the number of the part
  std::vector<RemoteFile> parts;
  std::optional<size_t> split_into = {};

  std::string_view name() const { return std::string_view(stem).substr(stem.rfind('/') + 1); }
};

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

bool is_letter_or_digit(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

/// "-00002-of-00003"
struct Part {
  size_t number = 0, of = 0;
};

/// Cuts the number of the part off `stem`; nothing for a file that is whole.
std::optional<Part> cut_part(std::string_view& stem) {
  constexpr std::string_view kForm = "-00000-of-00000";
  if (stem.size() <= kForm.size()) return {};
  const std::string_view tail = stem.substr(stem.size() - kForm.size());
  Part part;
  for (size_t i = 0; i < kForm.size(); ++i) {
    const bool is_digit = tail[i] >= '0' && tail[i] <= '9';
    if (kForm[i] == '0' ? !is_digit : tail[i] != kForm[i]) return {};
    size_t& number = i < 7 ? part.number : part.of;
    if (is_digit) number = number * 10 + static_cast<size_t>(tail[i] - '0');
  }
  stem.remove_suffix(kForm.size());
  return part;
}

/// Q4_0, IQ3_XXS, TQ1_0, F16, BF16, MXFP4: how a type begins, to find one in a name.
bool looks_like_type(std::string_view word) {
  if (word == "F16" || word == "F32" || word == "BF16" || word == "MXFP4") return true;
  const size_t q = word.find('Q');
  return q <= 1 && word.size() >= q + 4 && word[q + 1] >= '1' && word[q + 1] <= '8' && word[q + 2] == '_';
}

/// `type`, in capitals, stands in `text` as a word. Types have "_" inside, but names also before them: model_Q4_K_M.
bool has_word(std::string_view text, std::string_view type) {
  const std::string in = upper(text);
  for (size_t at = in.find(type); at != in.npos; at = in.find(type, at + 1)) {
    const size_t end = at + type.size();
    const bool begins = at == 0 || (in[at - 1] == '_' ? looks_like_type(type) : !is_letter_or_digit(in[at - 1]));
    if (begins && (end == in.size() || (!is_letter_or_digit(in[end]) && in[end] != '_'))) return true;
  }
  return false;
}

/// The first word of the name that looks like a type; empty when there is none.
std::string type_in(std::string_view name) {
  const std::string text = upper(name);
  const auto is_inside = [](char c) { return is_letter_or_digit(c) || c == '_'; };
  for (size_t at = 0; at < text.size(); ++at) {
    if (at > 0 && is_letter_or_digit(text[at - 1])) continue;
    size_t end = at;
    while (end < text.size() && is_inside(text[end])) ++end;
    const std::string_view word = std::string_view(text).substr(at, end - at);
    if (looks_like_type(word)) return std::string(word);
  }
  return {};
}

std::vector<Model> models_of(const Repository& repository) {
  std::map<std::pair<std::string, std::optional<size_t>>, Model> models;  // by stem and number of parts
  for (const RemoteFile& file : repository.files) {
    if (!file.path.ends_with(kGguf)) continue;
    std::string_view stem = std::string_view(file.path).substr(0, file.path.size() - kGguf.size());
    const std::optional<Part> part = cut_part(stem);
    const auto split_into = part ? std::optional(part->of) : std::nullopt;
    Model& model = models[{std::string(stem), split_into}];
    model.stem = stem;
    model.split_into = split_into;
    model.parts.push_back(file);  // in order of their paths, so of their numbers
  }
  std::vector<Model> list;
  for (auto& [key, model] : models) list.push_back(std::move(model));
  return list;
}

bool is_language_model(const Model& model) {
  const std::string name = upper(model.name());
  return !name.starts_with("MMPROJ") && !name.starts_with("IMATRIX") && !name.ends_with("IMATRIX");
}

std::string file_name(const Model& model) {
  const std::string& path = model.parts.front().path;
  return path.substr(path.rfind('/') + 1);
}

std::string described(const std::vector<Model>& models) {
  if (models.empty()) return "no GGUF file";
  std::vector<std::string> lines;
  for (const Model& model : models) {
    uint64_t bytes = 0;
    for (const RemoteFile& part : model.parts) bytes += part.size;
    const std::string parts = model.parts.size() == 1 ? "" : fmt::format(" in {} parts", model.parts.size());
    lines.push_back(
        fmt::format("{} ({}{})", quote(model.parts.front().path), byte_size_text(static_cast<int64_t>(bytes)), parts));
  }
  return fmt::format("{}", fmt::join(lines, ", "));
}

/// The models that `type` may mean. A name in full goes before a word of it.
std::vector<Model> matching(const std::vector<Model>& models, std::string_view type) {
  std::vector<Model> found;
  const std::string wanted = upper(type.ends_with(kGguf) ? type.substr(0, type.size() - kGguf.size()) : type);
  const auto take = [&](auto&& fits) { std::ranges::copy_if(models, std::back_inserter(found), fits); };
  take([&](const Model& m) { return upper(m.name()) == wanted || upper(file_name(m)) == upper(type); });
  if (found.empty()) take([&](const Model& m) { return is_language_model(m) && has_word(m.stem, wanted); });
  return found;
}

Result<Choice> choose_safetensors(const Repository& repository) {
  if (repository.find("config.json") == nullptr)
    return Error::not_found("no GGUF file and no config.json, so nothing that adder runs");
  Choice choice{std::string(kSafetensors), {}, ""};
  bool has_weights = false;
  for (const RemoteFile& file : repository.files) {
    const std::string_view path = file.path;
    if (path.find('/') != path.npos) continue;
    // Some publishers put the same weights beside them, under the names of their own programs.
    const bool weights = path.ends_with(".safetensors") && !path.starts_with("consolidated");
    has_weights |= weights;
    if (weights || path.ends_with(".json") || path.ends_with(".jinja") || path.starts_with("tokenizer"))
      choice.files.push_back(file);
  }
  if (!has_weights) return Error::not_found("a config.json, but neither GGUF nor safetensors files");
  return choice;
}

/// The numbers of a split model's parts are 1, 2, ... as many as each says.
Status check_parts(const Model& model) {
  if (!model.split_into) return {};
  for (size_t i = 0; i < std::max(*model.split_into, model.parts.size()); ++i) {
    std::string_view stem = model.parts[std::min(i, model.parts.size() - 1)].path;
    stem.remove_suffix(kGguf.size());
    if (cut_part(stem)->number != i + 1)
      return Error::corrupt("{}: part {} of {} is missing", quote(model.stem), i + 1, *model.split_into);
  }
  return {};
}

Result<Choice> choose_gguf(const Model& model, const std::vector<Model>& all) {
  TRY(check_parts(model));
  Choice choice{type_in(model.name()), model.parts, model.parts.front().path};
  if (choice.type.empty() || matching(all, choice.type).size() != 1) choice.type = std::string(model.name());
  if (matching(all, choice.type).size() != 1) choice.type = file_name(model);
  return choice;
}

}  // namespace

Result<Choice> choose(const Repository& repository, std::string_view type) {
  if (upper(type) == upper(kSafetensors)) return choose_safetensors(repository);
  const std::vector<Model> all = models_of(repository);
  if (!type.empty()) {
    const std::vector<Model> found = matching(all, type);
    if (found.empty()) return Error::not_found("nothing of type {}; there is {}", quote(type), described(all));
    if (found.size() > 1)
      return Error::usage("type {} could be any of {}; choose one by its name, as ORG/NAME:FILE", quote(type),
                          described(found));
    return choose_gguf(found.front(), all);
  }
  std::vector<Model> models;
  std::ranges::copy_if(all, std::back_inserter(models), is_language_model);
  if (models.empty()) return choose_safetensors(repository);
  if (models.size() == 1) return choose_gguf(models.front(), all);
  const std::vector<Model> usual = matching(models, kUsual);
  if (usual.size() == 1) return choose_gguf(usual.front(), all);
  return Error::usage("which one? Choose by its type, as ORG/NAME:TYPE, among {}", described(models));
}

}  // namespace adder
