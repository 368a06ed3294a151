#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/arch/config.h"
#include "core/base/result.h"

namespace adder {

/// What a neuron of an FFN layer is judged by: W1 u, or relu(W1 u)^2, which is what W2 is given.
enum class FfnReading : uint8_t { kAfterActivation, kBeforeActivation };
std::string_view name(FfnReading reading);  ///< "after", "before"

/// How much the parts of one layer do; the vectors of other kinds of layers are empty.
struct LayerScores {
  std::vector<double> ffn;        ///< [F]
  std::vector<double> mamba;      ///< [m_h, m_d]: s of every channel of every head
  std::vector<double> attention;  ///< [n_q]
  double influence = 0;           ///< 1 - E[cos(h_j, h_{j+1})] of the residual stream around the layer

  bool operator==(const LayerScores&) const = default;
};

/// Which layers a model misses least, found one at a time with those before already gone. With Z the logits of the
/// whole model and Z^{-S} those without the layers S, over all positions and the whole vocabulary
///     s(j | S) = sum (Z - Z^{-(S + j)})^2 / sum Z^2,
/// and the layer of the least s joins S.
struct LayerRanking {
  std::vector<int> drop_list;  ///< least important first
  std::vector<double> errors;  ///< s of each when it joined
  bool attention = false;      ///< attention layers were candidates too

  /// The layer being looked for: sums so far over the first `windows_done` windows, one a layer of the model, and that
  /// of Z^2. A run that was broken off goes on from here, to the same numbers.
  int64_t windows_done = 0;
  std::vector<double> sums;
  double norm = 0;

  bool operator==(const LayerRanking&) const = default;
};

/// What `adder importance` writes: a score of everything a child may leave out. A statistic of a token is averaged in
/// absolute value over a window, windows are joined by the root of the sum of squares (arXiv 2407.14679, 2504.11409).
struct Scores {
  std::string model;  ///< model_fingerprint (make/plan/sensitivity.h)
  std::string text;   ///< fingerprint of the windows
  int64_t windows = 0;
  FfnReading ffn_reading = FfnReading::kAfterActivation;
  std::vector<double> hidden;  ///< [H], summed over the outputs of all norms
  std::vector<LayerScores> layers;
  LayerRanking ranking;
  std::string ranking_text;  ///< fingerprint of the windows it is made on

  /// A head's score when its `channels` best ones stay: the length of s over those. Every head of one layer keeps the
  /// same channels, those of the largest length of s over heads.
  std::vector<double> mamba_heads(int layer, const ModelConfig& config, int64_t channels) const;
  std::vector<double> mamba_channels(int layer, const ModelConfig& config) const;

  /// Names these scores: a hash of all numbers.
  std::string fingerprint() const;

  /// The file is JSON, numbers to their last digit. Errors: those of JSON; fields that are missing, of another type or
  /// length than `config` has, or no finite numbers (kCorrupt).
  static Result<Scores> read(const std::filesystem::path& path, const ModelConfig& config);
  Status write(const std::filesystem::path& path) const;

  bool operator==(const Scores&) const = default;
};

}  // namespace adder
