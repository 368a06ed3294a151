#include "core/formats/hf_writer.h"

#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "core/base/check.h"

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
    return value ? std::optional(value->dump(2) + '\n') : std::nullopt;
  };
  return {{"tokenizer.json", dumped(files.tokenizer)},
          {"tokenizer_config.json", dumped(files.tokenizer_config)},
          {"generation_config.json", dumped(files.generation)},
          {"chat_template.jinja", files.chat_template},
          {"config.json", dumped(files.config)}};
}

/// Whether readers of a model directory look at a file of this name.
bool is_part_of_a_model(const std::string& name) {
  return name.ends_with(".safetensors") || name.ends_with(".index.json") || name.starts_with("pytorch_model") ||
         std::ranges::count(texts_of({}), name, &TextFile::name) > 0;
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
  for (const auto& [name, text] : texts)
    if (text) names_.push_back(name);

  std::error_code error;
  in_place_ = fs::exists(target_, error);
  if (in_place_) TRY(check_target());
  if (!in_place_ && target_.has_parent_path()) fs::create_directories(target_.parent_path(), error);
  const fs::path hidden =
      in_place_ ? target_ / fmt::format(".adder-{}", ::getpid())
                : target_.parent_path() / fmt::format(".{}.adder-{}", target_.filename().string(), ::getpid());
  if (!fs::create_directory(hidden, error))
    return Error::io("{}: cannot create: {}", hidden.string(), error ? error.message() : "exists already");
  temporary_ = hidden;
  for (const auto& [name, text] : texts)
    if (text) TRY(write_file(temporary_ / name, *text));
  return weights_.begin(temporary_ / "model.safetensors");
}

Status HfWriter::check_target() const {
  std::error_code error;
  if (!fs::is_directory(target_, error)) return Error::usage("{}: exists and is no directory", target_.string());
  fs::directory_iterator entries(target_, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    const bool is_ours = std::ranges::count(names_, name) > 0;
    if (is_ours && entries->is_directory(error))
      return Error::usage("{}: a directory stands where a file is to be written", entries->path().string());
    if (!is_ours && is_part_of_a_model(name))
      return Error::usage("{}: readers would mix it with the new model; remove it or write to another directory",
                          entries->path().string());
  }
  if (error) return Error::io("{}: cannot list: {}", target_.string(), error.message());
  return {};
}

Status HfWriter::finish() {
  CHECK(!temporary_.empty(), "finish before begin");
  TRY(weights_.finish());
  std::error_code error;
  if (in_place_) {
    TRY(move_files());
    fs::remove(temporary_, error);
  } else {
    fs::rename(temporary_, target_, error);
  }
  if (error) return Error::io("{}: cannot rename into place: {}", target_.string(), error.message());
  temporary_.clear();
  return {};
}

Status HfWriter::move_files() {
  std::error_code error;
  for (const std::string& name : names_) {
    fs::rename(temporary_ / name, target_ / name, error);
    if (error) return Error::io("{}: cannot rename into place: {}", (target_ / name).string(), error.message());
  }
  return {};
}

}  // namespace adder
