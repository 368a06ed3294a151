#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "run/engine/engine.h"

namespace adder {

/// The optional positional MODEL that every command has; empty means the built-in one.
void add_model_argument(CLI::App& command, std::string& model);

/// The longest sequence a command line may ask for.
inline constexpr int64_t kMostContext = int64_t{1} << 24;

void add_team_options(CLI::App& command, EngineOptions& options);    ///< --threads, --kv-type, --state-type
void add_engine_options(CLI::App& command, EngineOptions& options);  ///< these and --context

void add_context_option(CLI::App& command, int64_t& context);

/// An option for a size like 2GiB. `bytes` is left alone when the user names none.
CLI::Option* add_size_option(CLI::App& command, const std::string& name, int64_t& bytes,
                             const std::string& description);

/// --memory, a size like 2GiB. `bytes` is left alone when the user names none.
void add_memory_option(CLI::App& command, int64_t& bytes, const std::string& description);

/// --size NAME, of commands that run a model and do not look at its weights.
void add_nested_size_option(CLI::App& command, std::string& size);

/// --threads. Left alone when the user names none.
void add_threads_option(CLI::App& command, int& threads);

/// --kv-type: f32, f16, bf16 or fp8.
void add_kv_type_option(CLI::App& command, DType& kv_type);

/// --state-type: f32, f16 or bf16.
void add_state_type_option(CLI::App& command, DType& state_type);

/// An engine on `model` or the built-in model.
struct OpenedEngine {
  std::unique_ptr<Engine> engine;
  std::string path;
  double load_seconds = 0;
};
Result<OpenedEngine> open_engine(const std::string& model, const EngineOptions& options);

}  // namespace adder
