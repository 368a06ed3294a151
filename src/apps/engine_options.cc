#include "apps/engine_options.h"

#include <chrono>
#include <map>

#include "apps/model_path.h"
#include "core/base/byte_size.h"

namespace adder {
namespace {

constexpr int kMostThreads = 1024;

const std::map<std::string, DType> kFloats = {{"f32", DType::kF32}, {"f16", DType::kF16}, {"bf16", DType::kBF16}};

}  // namespace

void add_model_argument(CLI::App& command, std::string& model) {
  command.add_option("MODEL", model,
                     "GGUF file, Hugging Face directory, or ORG/NAME[:TYPE] on the Hub (default: the built-in model)");
}

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("-t,--threads", threads, "threads (default: the cores this process may use)")
      ->check(CLI::Range(1, kMostThreads));
}

void add_kv_type_option(CLI::App& command, DType& kv_type) {
  auto types = kFloats;
  types["fp8"] = types["f8_e4m3"] = DType::kF8E4M3;
  command.add_option("--kv-type", kv_type, "how keys and values are kept: f32, f16, bf16 or fp8 (default f16)")
      ->transform(CLI::CheckedTransformer(types, CLI::ignore_case).description("f32, f16, bf16 or fp8"))
      ->type_name("TYPE");
}

void add_state_type_option(CLI::App& command, DType& state_type) {
  command
      .add_option("--state-type", state_type, "how the states of Mamba layers are kept: f32, f16 or bf16 (default f32)")
      ->transform(CLI::CheckedTransformer(kFloats, CLI::ignore_case).description("f32, f16 or bf16"))
      ->type_name("TYPE");
}

void add_team_options(CLI::App& command, EngineOptions& options) {
  add_threads_option(command, options.threads);
  add_kv_type_option(command, options.kv_type);
  add_state_type_option(command, options.state_type);
}

void add_context_option(CLI::App& command, int64_t& context) {
  command.add_option("-c,--context", context, "most tokens of prompt and answer together")
      ->check(CLI::Range(int64_t{1}, kMostContext))
      ->capture_default_str();
}

CLI::Option* add_size_option(CLI::App& command, const std::string& name, int64_t& bytes,
                             const std::string& description) {
  return command
      .add_option_function<std::string>(
          name,
          [name, &bytes](const std::string& text) {
            const auto size = parse_byte_size(text);
            if (!size) throw CLI::ValidationError(name, size.error().message());
            bytes = *size;
          },
          description)
      ->type_name("SIZE");
}

void add_memory_option(CLI::App& command, int64_t& bytes, const std::string& description) {
  add_size_option(command, "--memory", bytes, description);
}

void add_nested_size_option(CLI::App& command, std::string& size) {
  command.add_option("--size", size, "which size of a file that holds several (adder nest)")->type_name("NAME");
}

void add_engine_options(CLI::App& command, EngineOptions& options) {
  add_team_options(command, options);
  add_context_option(command, options.context);
}

Result<OpenedEngine> open_engine(const std::string& model, const EngineOptions& options) {
  TRY_ASSIGN(const std::filesystem::path path, model_path(model));
  const auto start = std::chrono::steady_clock::now();
  TRY_ASSIGN(auto engine, Engine::open(path, options));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return OpenedEngine{std::move(engine), path.string(), took.count()};
}

}  // namespace adder
