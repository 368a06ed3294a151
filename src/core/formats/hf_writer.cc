#include "core/formats/hf_writer.h"

#include <unistd.h>

#include <system_error>

#include "core/base/check.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

Status write_json(const fs::path& path, const std::optional<nlohmann::json>& value) {
  if (!value) return {};
  return write_file(path, value->dump(2) + '\n');
}

}  // namespace

HfWriter::~HfWriter() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

Status HfWriter::begin(const fs::path& directory, const HfFiles& files) {
  CHECK(temporary_.empty(), "begin twice");
  target_ = directory.has_filename() ? directory : directory.parent_path();  // "out/" is out
  std::error_code error;
  if (fs::exists(target_, error) && !fs::is_empty(target_, error))
    return Error::usage("{}: exists already, expected a new or empty directory", target_.string());
  if (target_.has_parent_path()) fs::create_directories(target_.parent_path(), error);
  const fs::path sibling = target_.parent_path() / fmt::format(".{}.adder-{}", target_.filename().string(), ::getpid());
  if (!fs::create_directory(sibling, error))
    return Error::io("{}: cannot create: {}", sibling.string(), error ? error.message() : "exists already");
  temporary_ = sibling;
  TRY(write_texts(files));
  return weights_.begin(temporary_ / "model.safetensors");
}

Status HfWriter::write_texts(const HfFiles& files) {
  TRY(write_json(temporary_ / "config.json", files.config));
  TRY(write_json(temporary_ / "tokenizer.json", files.tokenizer));
  TRY(write_json(temporary_ / "tokenizer_config.json", files.tokenizer_config));
  TRY(write_json(temporary_ / "generation_config.json", files.generation));
  if (files.chat_template) TRY(write_file(temporary_ / "chat_template.jinja", *files.chat_template));
  return {};
}

Status HfWriter::finish() {
  CHECK(!temporary_.empty(), "finish before begin");
  TRY(weights_.finish());
  std::error_code error;
  fs::rename(temporary_, target_, error);  // replaces an empty directory
  if (error) return Error::io("{}: cannot rename into place: {}", target_.string(), error.message());
  temporary_.clear();
  return {};
}

}  // namespace adder
