#include <torch/serialize/archive.h>

#include "make/train/loop/trainer.h"

#include "core/base/atomic_file.h"

namespace adder {
namespace {

Status read_into(torch::serialize::InputArchive& archive, const std::string& key, torch::Tensor& target) {
  torch::Tensor found;
  if (!archive.try_read(key, found)) return Error::corrupt("'{}' is missing", key);
  if (found.sizes() != target.sizes() || found.scalar_type() != target.scalar_type()) {
    return Error::corrupt("'{}' has another shape or type than the recipe's", key);
  }
  target.copy_(found);
  return {};
}

Result<int64_t> read_count(torch::serialize::InputArchive& archive, const std::string& key) {
  c10::IValue value;
  if (!archive.try_read(key, value) || !value.isInt()) return Error::corrupt("count '{}' is missing", key);
  return value.toInt();
}

}  // namespace

Status Trainer::save(const std::filesystem::path& path) {
  torch::serialize::OutputArchive archive;
  for (size_t i = 0; i < weights_.count(); ++i) archive.write(weights_.name_of(i), weights_.at(i));
  for (const auto& [key, tensor] : optimizer_.state()) archive.write(key, *tensor);
  archive.write("steps_done", c10::IValue(steps_done_));
  archive.write("samples_seen", c10::IValue(samples_seen_));
  archive.write("optimizer_steps", c10::IValue(optimizer_.steps_taken()));
  archive.write("decay_start", c10::IValue(decay_.start));
  archive.write("decay_steps", c10::IValue(decay_.steps));

  TRY_ASSIGN(AtomicFile file, AtomicFile::create(path));
  Status written;
  archive.save_to([&](const void* data, size_t size) -> size_t {
    if (written) written = file.write(std::span(static_cast<const std::byte*>(data), size));
    return size;
  });
  TRY(std::move(written));
  return file.commit();
}

Status Trainer::load(const std::filesystem::path& path) {
  TRY_ASSIGN(const std::string bytes, read_file(path, size_t{1} << 40));
  torch::NoGradGuard no_grad;
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(bytes.data(), bytes.size(), device_);
    const auto read_all = [&]() -> Status {
      for (size_t i = 0; i < weights_.count(); ++i) TRY(read_into(archive, weights_.name_of(i), weights_.at(i)));
      for (const auto& [key, tensor] : optimizer_.state()) TRY(read_into(archive, key, *tensor));
      TRY_ASSIGN(steps_done_, read_count(archive, "steps_done"));
      TRY_ASSIGN(samples_seen_, read_count(archive, "samples_seen"));
      TRY_ASSIGN(optimizer_.steps_taken(), read_count(archive, "optimizer_steps"));
      TRY_ASSIGN(decay_.start, read_count(archive, "decay_start"));
      TRY_ASSIGN(decay_.steps, read_count(archive, "decay_steps"));
      return {};
    };
    if (Status status = read_all(); !status) return std::move(status).error().in(path.string());
  } catch (const std::exception& error) {
    return Error::corrupt("{}: no checkpoint of adder-train ({})", path.string(),
                          std::string_view(error.what()).substr(0, 80));
  }
  return {};
}

}  // namespace adder
