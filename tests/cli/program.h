#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace adder {

/// How a run of `adder` ended.
struct Outcome {
  int status = -1;  ///< exit status, or 128 + signal
  std::string out, err;
  double seconds = 0;
  int64_t peak_bytes = 0;  ///< most memory it had resident

  /// Standard output, parsed anew by each call and kept until the test program ends: a reference to a part of it, as in
  /// a range-for over `run_adder(...).json()["tensors"]`, outlives the outcome.
  nlohmann::json& json() const;
};

struct Call {
  std::vector<std::string> arguments;
  std::string input = {};                               ///< standard input
  std::map<std::string, std::string> environment = {};  ///< on top of this process's, without ADDER_MODEL and ADDER_ISA
  std::filesystem::path directory = {};                 ///< working directory
  std::string out_path = {};                            ///< where standard output goes instead of `out`
  size_t interrupt_after_bytes = 0;                     ///< Ctrl-C once so many bytes of output have come
  std::optional<std::chrono::microseconds> kill_after = {};  ///< SIGKILL at that moment
  size_t largest_file = 0;  ///< writing more to a file fails, as on a full disk; 0: no limit
};

/// Runs the program that ADDER_BINARY names.
Outcome run_adder(const Call& call);
inline Outcome run_adder(std::vector<std::string> arguments) {
  return run_adder(Call{std::move(arguments)});
}

/// A folder of this test program, removed when it ends.
const std::filesystem::path& scratch();

/// A small model with random weights, made once by `adder synth`.
const std::string& tiny_model();

}  // namespace adder
