#pragma once

#include "make/train/base/torch.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "core/base/result.h"

namespace adder {

/// What a teacher has said of windows of text, in a folder, so that a later epoch, a resumed run or another student
/// need not ask it again. A window is known by its contents, in whichever order and batch it comes, and has a file of
/// its own: several processes may share the folder. Losing any of it costs time alone: what is not there, or not as it
/// was written, is computed again, and where nothing can be written the run says so and goes on without.
class TeacherCache {
 public:
  /// Makes the folder, or opens one. `source` says whose words it keeps and in which form; kUsage for a folder of
  /// another.
  static Result<std::shared_ptr<TeacherCache>> open(const std::filesystem::path& folder, const nlohmann::json& source);

  /// The name of a window: tokens [T], starts [T] or undefined.
  static std::string name_of(const torch::Tensor& tokens, const torch::Tensor& starts);

  /// Fills `rows`, contiguous CPU tensors of the shapes and types that were kept; false if they are not there.
  bool find(const std::string& window, std::span<const torch::Tensor> rows) const;
  void keep(const std::string& window, std::span<const torch::Tensor> rows);

 private:
  explicit TeacherCache(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Status write(const std::filesystem::path& path, std::span<const torch::Tensor> rows) const;
  std::filesystem::path path_of(const std::string& window) const;

  std::filesystem::path folder_;
  std::atomic<bool> full_ = false;  // the last write failed
};

}  // namespace adder
