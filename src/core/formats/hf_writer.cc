#include "core/formats/hf_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <system_error>
#include <utility>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/formats/json_text.h"
#include "core/formats/seal.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

struct TextFile {
  std::string name;
  std::optional<std::string> text;
};

/// Every text such a directory may have, config.json last.
std::vector<TextFile> texts_of(const HfFiles& files) {
  const auto dumped = [](const std::optional<nlohmann::json>& value) {
    return value ? std::optional(python_json(*value, 2) + '\n') : std::nullopt;
  };
  return {
      {"tokenizer.json", dumped(files.tokenizer)},          {"tokenizer_config.json", dumped(files.tokenizer_config)},
      {"generation_config.json", dumped(files.generation)}, {"chat_template.jinja", files.chat_template},
      {"hf_quant_config.json", dumped(files.quant_config)}, {"config.json", dumped(files.config)}};
}

/// Whether readers of a model directory look at a file of this name.
bool is_part_of_a_model(const std::string& name) {
  return name.ends_with(".safetensors") || name.ends_with(".index.json") || name.starts_with("pytorch_model") ||
         name == kSealFile || std::ranges::count(texts_of({}), name, &TextFile::name) > 0;
}

/// Makes a directory of that name or, where a killed program left one, of that name and a number.
Result<fs::path> create_hidden(const fs::path& name) {
  fs::path path = name;
  std::error_code error;
  for (int n = 2; !fs::create_directory(path, error); ++n) {
    if (error) return Error::io("{}: cannot create: {}", path.string(), error.message());
    path = name;
    path += fmt::format("-{}", n);
  }
  return path;
}

/// Moves to `to` what it does not have; the rest is the same already, and goes.
Status move_missing(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(to, error))) {
    fs::rename(from, to, error);
    if (error) return Error::io("{}: cannot be moved to {}: {}", from.string(), to.string(), error.message());
    return {};
  }
  if (fs::symlink_status(from, error).type() == fs::file_type::directory)
    for (const auto& entry : fs::directory_iterator(from, error))
      TRY(move_missing(entry.path(), to / entry.path().filename()));
  fs::remove(from, error);
  return {};
}

}  // namespace

HfWriter::~HfWriter() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

Status HfWriter::begin(const fs::path& directory, const HfFiles& files) {
  CHECK(temporary_.empty(), "begin twice");
  target_ = directory.has_filename() ? directory : directory.parent_path();  // "out/" is out
  const std::vector<TextFile> texts = texts_of(files);
  names_ = {"model.safetensors"};
  if (is_sealed_) names_.emplace_back(kSealFile);
  for (const auto& [name, text] : texts)
    if (text) names_.push_back(name);

  std::error_code error;
  if (fs::exists(target_, error)) target_ = fs::canonical(target_, error);  // a link stays a link
  TRY_ASSIGN(target_was_, check_target());
  if (target_was_ == Target::kNew && target_.has_parent_path()) fs::create_directories(target_.parent_path(), error);
  const fs::path hidden =
      target_was_ == Target::kFilled
          ? target_ / fmt::format(".adder-{}", ::getpid())
          : target_.parent_path() / fmt::format(".{}.adder-{}", target_.filename().string(), ::getpid());
  TRY_ASSIGN(temporary_, create_hidden(hidden));
  for (const auto& [name, text] : texts)
    if (text) TRY(write_text(name, *text));
  return weights_.begin(temporary_ / "model.safetensors");
}

Status HfWriter::write_text(const std::string& name, const std::string& text) {
  texts_[name] = hash128_hex(std::as_bytes(std::span(text)));
  return write_file(temporary_ / name, text);
}

bool HfWriter::is_written(const fs::path& name) const {
  return std::ranges::count(names_, name.string()) > 0;
}

Result<HfWriter::Target> HfWriter::check_target() const {
  std::error_code error;
  if (!fs::exists(target_, error)) return Target::kNew;
  if (!fs::is_directory(target_, error)) return Error::usage("{}: exists and is no directory", target_.string());
  Target target = Target::kFilled;
  fs::directory_iterator entries(target_, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    const bool is_ours = is_written(name);
    if (is_ours) target = Target::kReplaced;
    if (is_ours && entries->is_directory(error))
      return Error::usage("{}: a directory stands where a file is to be written", entries->path().string());
    if (!is_ours && is_part_of_a_model(name))
      return Error::usage("{}: readers would mix it with the new model; remove it or write to another directory",
                          entries->path().string());
  }
  if (error) return Error::io("{}: cannot list: {}", target_.string(), error.message());
  return target;
}

Status HfWriter::write_seal(nlohmann::ordered_json receipt) {
  nlohmann::ordered_json& files = receipt["files"] = texts_;
  files["model.safetensors"] = weights_.header_hash();
  nlohmann::json tensors = nlohmann::json::object();
  for (const auto& [name, view, hash] : weights_.stream().tensors())
    tensors[name] = {{"type", info(view.dtype).safetensors}, {"hash", hash}};
  receipt["tensors"] = std::move(tensors);
  receipt["seal"] = kBlankHash;
  std::string text = receipt.dump(2) + '\n';
  seal_json(text);
  return write_file(temporary_ / kSealFile, text);
}

Status HfWriter::finish(nlohmann::ordered_json receipt) {
  CHECK(!temporary_.empty(), "finish before begin");
  TRY(weights_.finish());
  if (is_sealed_) TRY(write_seal(std::move(receipt)));
  if (target_was_ == Target::kFilled) return fill_target();
  if (target_was_ == Target::kReplaced) return replace_target();
  std::error_code error;
  fs::rename(temporary_, target_, error);
  if (error) return Error::io("{}: cannot rename into place: {}", target_.string(), error.message());
  temporary_.clear();
  return {};
}

Status HfWriter::fill_target() {
  std::error_code error;
  for (const std::string& name : names_) {
    fs::rename(temporary_ / name, target_ / name, error);
    if (error) return Error::io("{}: cannot rename into place: {}", (target_ / name).string(), error.message());
  }
  fs::remove(std::exchange(temporary_, {}), error);
  return {};
}

/// Gives the new directory what the old one has besides the model.
void HfWriter::link_others() {
  constexpr auto kLinks =
      fs::copy_options::recursive | fs::copy_options::create_hard_links | fs::copy_options::copy_symlinks;
  std::error_code error, ignored;
  for (const auto& entry : fs::directory_iterator(target_, ignored)) {
    const fs::path name = entry.path().filename();
    if (is_written(name)) continue;
    fs::copy(entry.path(), temporary_ / name, kLinks, error);
    if (error) fs::remove_all(temporary_ / name, ignored);
  }
}

Status HfWriter::replace_target() {
  link_others();
  std::error_code error;
  fs::permissions(temporary_, fs::status(target_, error).permissions(), error);
  fs::path old = temporary_;
  if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) != 0) {
    old += ".old";
    fs::rename(target_, old, error);
    if (!error) {
      std::error_code ignored;
      fs::rename(temporary_, target_, error);
      if (error) fs::rename(old, target_, ignored);
    }
    if (error) return Error::io("{}: cannot be replaced: {}", target_.string(), error.message());
  }
  temporary_.clear();  // what is in `old` and no part of a model is the user's: from here on, nothing is removed unseen
  for (const auto& entry : fs::directory_iterator(old, error)) {
    const fs::path name = entry.path().filename();
    if (!is_written(name)) TRY(move_missing(entry.path(), target_ / name));
  }
  for (const std::string& name : names_) fs::remove(old / name, error);
  fs::remove(old, error);
  return {};
}

}  // namespace adder
