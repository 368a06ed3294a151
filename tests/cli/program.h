#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace adder {

/// How a run of `adder` ended.
struct Outcome {
  int status = -1;  ///< exit status, or 128 + signal
  std::string out, err;
  double seconds = 0;
  int64_t peak_bytes = 0;  ///< most memory it had resident

  nlohmann::json json() const { return nlohmann::json::parse(out); }
};

struct Call {
  std::vector<std::string> arguments;
  std::string input = {};                               ///< standard input
  std::map<std::string, std::string> environment = {};  ///< on top of this process's, without ADDER_MODEL and ADDER_ISA
  std::filesystem::path directory = {};                 ///< working directory
  std::string out_path = {};                            ///< where standard output goes instead of `out`
  size_t interrupt_after_bytes = 0;                     ///< Ctrl-C once so many bytes of output have come
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
