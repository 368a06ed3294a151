#include <torch/serialize/archive.h>

#include "make/train/loop/trainer.h"

#include <algorithm>
#include <system_error>

#include "core/base/atomic_file.h"

namespace adder {
namespace {

namespace fs = std::filesystem;

/// Where process `rank` of `size` puts its share of the optimizer's state. The step is part of the name: shares of
/// another checkpoint are not touched before the new one is whole.
fs::path share_path(const fs::path& path, int64_t step, int rank, int64_t size) {
  return path.string() + fmt::format(".{}.{}-of-{}", step, rank + 1, size);
}

Status write(const torch::serialize::OutputArchive& archive, const fs::path& path) {
  TRY_ASSIGN(AtomicFile file, AtomicFile::create(path));
  Status written;
  const_cast<torch::serialize::OutputArchive&>(archive).save_to([&](const void* data, size_t size) -> size_t {
    if (written) written = file.write(std::span(static_cast<const std::byte*>(data), size));
    return size;
  });
  TRY(std::move(written));
  return file.commit();
}

/// An archive as it was read.
Result<torch::serialize::InputArchive> open(const fs::path& path, torch::Device device) {
  TRY_ASSIGN(const std::string bytes, read_file(path, size_t{1} << 40));
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(bytes.data(), bytes.size(), device);
    return archive;
  } catch (const std::exception& error) {
    return Error::corrupt("{}: no checkpoint of adder-train ({})", path.string(),
                          std::string_view(error.what()).substr(0, 80));
  }
}

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor*>>;

/// Those of `wanted` that the archive has; what is left are the others.
Status take(torch::serialize::InputArchive& archive, NamedTensors& wanted) {
  NamedTensors left;
  for (const auto& [key, target] : wanted) {
    torch::Tensor found;
    if (!archive.try_read(key, found)) {
      left.emplace_back(key, target);
      continue;
    }
    if (found.sizes() != target->sizes() || found.scalar_type() != target->scalar_type())
      return Error::corrupt("'{}' has another shape or type than the recipe's", key);
    target->copy_(found);
  }
  wanted = std::move(left);
  return {};
}

Result<int64_t> read_count(torch::serialize::InputArchive& archive, const std::string& key) {
  c10::IValue value;
  if (!archive.try_read(key, value) || !value.isInt()) return Error::corrupt("count '{}' is missing", key);
  return value.toInt();
}

/// 1 for a checkpoint from before there were shares, and for one of a process alone.
int64_t shares_of(torch::serialize::InputArchive& archive) {
  c10::IValue value;
  return archive.try_read("optimizer_shares", value) && value.isInt() ? value.toInt() : 1;
}

/// Shares of checkpoints that are no more. What cannot be removed is only in the way.
void remove_old_shares(const fs::path& path, int64_t step) {
  std::error_code ignored;
  const std::string begin = path.filename().string() + ".", kept = fmt::format("{}{}.", begin, step);
  std::vector<fs::path> old;
  for (const fs::directory_entry& entry : fs::directory_iterator(path.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(begin) && name.find("-of-") != std::string::npos && !name.starts_with(kept))
      old.push_back(entry.path());
  }
  for (const fs::path& share : old) fs::remove(share, ignored);
}

}  // namespace

Status Trainer::save(const std::filesystem::path& path) {
  const auto write_state = [&](torch::serialize::OutputArchive& archive) {
    for (const auto& [key, tensor] : optimizer_.state()) archive.write(key, *tensor);
  };
  Status written;
  if (team_->size() > 1) {
    torch::serialize::OutputArchive share;
    write_state(share);
    written = write(share, share_path(path, steps_done_, team_->rank(), team_->size()));
    TRY(agree(written));
  }
  if (team_->leads()) {
    torch::serialize::OutputArchive archive;
    for (size_t i = 0; i < weights_.count(); ++i) archive.write(weights_.name_of(i), weights_.at(i));
    if (team_->size() == 1) write_state(archive);
    archive.write("optimizer_shares", c10::IValue(int64_t{team_->size()}));
    archive.write("steps_done", c10::IValue(steps_done_));
    archive.write("samples_seen", c10::IValue(samples_seen_));
    archive.write("optimizer_steps", c10::IValue(optimizer_.steps_taken()));
    archive.write("decay_start", c10::IValue(decay_.start));
    archive.write("decay_steps", c10::IValue(decay_.steps));
    written = write(archive, path);
    if (written) remove_old_shares(path, team_->size() > 1 ? steps_done_ : -1);
  }
  return agree(written);
}

Status Trainer::agree(const Status& mine) const {
  const int64_t failed = team_->least(mine ? team_->size() : team_->rank());
  if (!mine) return mine;
  if (failed < team_->size())
    return Error::io("process {} of {} could not write its checkpoint", failed, team_->size());
  return {};
}

Status Trainer::load(const std::filesystem::path& path) {
  torch::NoGradGuard no_grad;
  TRY_ASSIGN(auto archive, open(path, device_));
  const auto read = [&]() -> Status {
    NamedTensors weights, state = optimizer_.state();
    for (size_t i = 0; i < weights_.count(); ++i) weights.emplace_back(weights_.name_of(i), &weights_.at(i));
    TRY(take(archive, weights));
    if (!weights.empty()) return Error::corrupt("'{}' is missing", weights.front().first);
    TRY_ASSIGN(steps_done_, read_count(archive, "steps_done"));
    TRY_ASSIGN(samples_seen_, read_count(archive, "samples_seen"));
    TRY_ASSIGN(optimizer_.steps_taken(), read_count(archive, "optimizer_steps"));
    TRY_ASSIGN(decay_.start, read_count(archive, "decay_start"));
    TRY_ASSIGN(decay_.steps, read_count(archive, "decay_steps"));

    const int64_t shares = shares_of(archive);
    if (shares == 1) TRY(take(archive, state));
    for (int64_t i = 0; shares > 1 && i < shares && !state.empty(); ++i) {
      TRY_ASSIGN(auto share, open(share_path(path, steps_done_, static_cast<int>(i), shares), device_));
      TRY(take(share, state));
    }
    if (!state.empty()) return Error::corrupt("'{}' is missing", state.front().first);
    return {};
  };
  if (Status status = read(); !status) return std::move(status).error().in(path.string());
  return {};
}

}  // namespace adder
