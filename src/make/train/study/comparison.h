#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "make/train/study/run_log.h"

namespace adder {

/// What methods are compared by.
enum class Measure : uint8_t { kKl, kLoss, kAgreement, kAccuracy };
inline constexpr size_t kMeasures = 4;

/// Over the runs of a method that have come so far.
struct Mean {
  int64_t runs = 0;
  double value = 0;
  double error = 0;  ///< standard error of the mean, 0 for less than two runs
};

/// A method, run once or with several seeds.
struct Method {
  std::string label;
  std::vector<RunLog> runs;
};

/// Methods side by side after equal numbers of tokens.
class Comparison {
 public:
  explicit Comparison(std::vector<Method> methods);

  /// Where half of the methods were judged, ascending: what a few alone know, where a router ended say, is no column.
  const std::vector<int64_t>& tokens() const { return tokens_; }
  int64_t end() const { return end_; }  ///< where the longest run is done
  const std::vector<Method>& methods() const { return methods_; }

  Mean mean(size_t method, Measure measure, int64_t tokens) const;
  /// At the end; kNotFound where no run of the label has come there.
  Result<Mean> at_end(const std::string& label, Measure measure) const;
  /// The label with the least KL (loss, where there is no teacher) at the last count of tokens that all have come to.
  Result<std::string> best() const;
  /// The largest difference between masked and sliced children, over all runs in parts.
  std::optional<double> seam() const;

  std::string text() const;      ///< tables for a terminal
  std::string markdown() const;  ///< the same for a document
  std::string page(const std::string& title) const;
  /// What each chart of the page shows, a word, and an SVG file of it.
  std::vector<std::pair<std::string, std::string>> charts() const;
  nlohmann::ordered_json json() const;

 private:
  std::vector<Method> methods_;
  std::vector<int64_t> tokens_;
  int64_t end_ = 0;
};

}  // namespace adder
