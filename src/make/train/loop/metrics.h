#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "core/base/result.h"

namespace adder {

/// The diary of a run, one JSON object a line, appended to and never rewritten:
///   {"kind":"run","step":0,"name":"seedling","seed":1,"first_token":0,"end":1024000,"judged_at":[0,51200,1024000]}
///   {"kind":"step","step":10,"tokens":40960,"loss":7.1,"grad_norm":1.2,"rate_scale":0.1,"tokens_per_s":1800}
///   {"kind":"held_out","step":100,"tokens":409600,"loss":4.2,"bits_per_byte":1.7,"accuracy":0.3,"parameters":6692272}
/// and with a teacher "kl" in the last two, "agreement" in the last. The first is written whenever a run starts or goes
/// on; its counts are tokens in the order of samples, "end" is 0 for a run without one.
class Metrics {
 public:
  explicit Metrics(std::filesystem::path path) : path_(std::move(path)) {}
  Status append(const nlohmann::json& entry) const;

  /// Entries of one kind by step. A step that was repeated after a resume counts as it was written last; a line cut
  /// off by a crash is skipped.
  Result<std::map<int64_t, nlohmann::json>> read(std::string_view kind) const;

 private:
  std::filesystem::path path_;
};

}  // namespace adder
