#include "apps/quantize_fp8.h"

#include "apps/engine_options.h"
#include "apps/fp8_policy_option.h"
#include "apps/interrupt.h"
#include "apps/json_output.h"
#include "apps/model_path.h"
#include "apps/progress.h"
#include "core/base/atomic_file.h"
#include "core/base/hash.h"
#include "make/fp8/sweep.h"
#include "make/fp8/write.h"

namespace adder {
namespace {

/// The command with all that decides its result; samples go by the hash of their tokens.
std::string fp8_recipe(const Fp8Options& o, std::span<const Window> windows) {
  Hash128 hash;
  for (const Window& window : windows) hash.update(std::as_bytes(std::span(window.tokens)));
  const std::string percentile =
      o.calibrator == Calibrator::kPercentile ? fmt::format(" --percentile {}", o.percentile) : "";
  return fmt::format("quantize --type fp8 --fp8-policy {} --calibrator {}{} --fp8-kv {} --calib {}", name(o.policy),
                     name(o.calibrator), percentile, name(o.cache), hash.hex());
}

struct Fp8Result {
  std::vector<ConvertedTensor> tensors;
  std::vector<Fp8Scales> scales;
  size_t samples = 0;
};

uint64_t fp8_bytes(const Fp8Result& result, DType ConvertedTensor::*type) {
  uint64_t bytes = 0;
  for (const ConvertedTensor& t : result.tensors) bytes += storage_bytes(t.*type, t.spec.shape.elements());
  return bytes;
}

void print_fp8_table(const std::string& output, const Fp8Result& result) {
  for (size_t i = 0; i < result.tensors.size(); ++i) {
    const ConvertedTensor& t = result.tensors[i];
    const Fp8Scales& scales = result.scales[i];
    if (!t.spec.is_matrix) continue;
    fmt::print("{:<48} {:>5} -> {:<8}", t.spec.hf_name, name(t.from), name(t.to));
    if (t.to == DType::kF8E4M3) fmt::print(" weight {:.3e} input {:.3e}", scales.weight, scales.input.value_or(0));
    if (scales.cache) fmt::print(" cache {:.3e}", *scales.cache);
    fmt::print("\n");
  }
  fmt::print("{}: {:.1f} MB from {:.1f} MB of tensor data, scales from {} samples\n", output,
             static_cast<double>(fp8_bytes(result, &ConvertedTensor::to)) / 1e6,
             static_cast<double>(fp8_bytes(result, &ConvertedTensor::from)) / 1e6, result.samples);
}

void print_fp8_json(const std::string& input, const std::string& output, const Fp8Options& o, const Fp8Result& result) {
  Json tensors = Json::array();
  const auto or_null = [](const std::optional<float>& value) { return value ? Json(*value) : Json(nullptr); };
  for (size_t i = 0; i < result.tensors.size(); ++i) {
    const ConvertedTensor& t = result.tensors[i];
    const Fp8Scales& scales = result.scales[i];
    const bool is_fp8 = t.to == DType::kF8E4M3;
    tensors.push_back({{"name", t.spec.hf_name},
                       {"from", name(t.from)},
                       {"to", name(t.to)},
                       {"weight_scale", is_fp8 ? Json(scales.weight) : Json(nullptr)},
                       {"input_scale", or_null(scales.input)},
                       {"cache_scale", or_null(scales.cache)}});
  }
  print_json({{"in", input},
              {"out", output},
              {"type", "fp8"},
              {"policy", name(o.policy)},
              {"calibrator", name(o.calibrator)},
              {"samples", result.samples},
              {"bytes_in", fp8_bytes(result, &ConvertedTensor::from)},
              {"bytes_out", fp8_bytes(result, &ConvertedTensor::to)},
              {"tensors", tensors}});
}

/// The texts as they are to be cut for so many samples, if the user does not say.
CalibrationText samples_of(const Fp8Request& request, int64_t otherwise) {
  CalibrationText text = request.text;
  text.max_windows = request.samples.value_or(otherwise);
  return text;
}

Status sweep_over_fp8(const std::string& input, const std::string& output, const Fp8Request& request, int threads,
                      bool json) {
  TRY_ASSIGN(const std::filesystem::path path, model_path(input));
  TRY_ASSIGN(ModelFile file, ModelFile::open(path));
  TRY_ASSIGN(const BoundModel model, bind(std::make_shared<const ModelFile>(std::move(file))));
  TRY_ASSIGN(const Tokenizer tokenizer, Tokenizer::from_file(*model.file));
  TRY_ASSIGN(const auto windows, calibration_windows(samples_of(request, 32), *model.file, tokenizer));
  Fp8Sweep sweep;
  {
    Progress progress("measuring");
    TRY_ASSIGN(sweep, sweep_fp8(model, windows, threads, [&](double done) -> Status {
                 if (interrupted()) return Error::cancelled("interrupted; nothing was written");
                 progress.update(done);
                 return {};
               }));
  }
  TRY(write_file(output, to_html(sweep, fmt::format("FP8 configurations of {}", path.string()))));
  if (json) {
    print_json(to_json(sweep));
    return {};
  }
  for (const Fp8Point& point : sweep.points)
    fmt::print("{:<18} {:9.1f} MB a token  divergence {:.3e}  same first choice {:6.2f} %  accuracy {:6.2f} %{}\n",
               point.name, static_cast<double>(point.bytes_per_token) / 1e6, point.kl.mean(),
               100 * point.same_top_share(), 100 * sweep.recovery(point), sweep.is_on_frontier(point) ? "  *" : "");
  fmt::print("{}: {} positions; an asterisk where none reads less and diverges less\n", output, sweep.positions);
  return {};
}

}  // namespace

void add_fp8_options(CLI::App& command, Fp8Request& request) {
  command
      .add_option(
          "--calib", request.text.files,
          "for fp8: samples to calibrate on, text files or lines of JSON (.jsonl) with \"text\" or \"messages\"")
      ->type_name("FILE...");
  command.add_option("--samples", request.samples, "for fp8: read so many; 0: all (default 1024, with --sweep 32)")
      ->check(CLI::Range(int64_t{0}, kMostContext));
  command.add_option("--sample-tokens", request.text.context, "for fp8: most tokens of a sample")
      ->check(CLI::Range(int64_t{4}, kMostContext))
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--calibrator",
          [&request](const std::string& text) { request.options.calibrator = *calibrator_from_name(text); },
          "for fp8: what a scale reaches up to: amax, the largest; percentile, all but a few inputs; mse, where "
          "squared "
          "errors are least (default amax)")
      ->check(CLI::IsMember({"amax", "percentile", "mse"}))
      ->type_name("NAME");
  command.add_option("--percentile", request.options.percentile, "for --calibrator percentile")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str();
  add_fp8_policy_option(command, request.options.policy);
  command
      .add_option_function<std::string>(
          "--fp8-kv", [&request](const std::string& text) { request.options.cache = *fp8_cache_from_name(text); },
          "for fp8: tell other engines to keep keys and values in FP8, cast as they are or calibrated with scales, or "
          "say "
          "none of it (default cast)")
      ->check(CLI::IsMember({"cast", "calibrated", "none"}))
      ->type_name("NAME");
  command.add_flag(
      "--sweep", request.sweep,
      "for fp8: write no model, but measure what policies, layers and matrices in FP8 cost on the samples; "
      "OUT is an HTML page with table and curve");
}

Status quantize_to_fp8(const std::string& input, const std::string& output, const Fp8Request& request, int threads,
                       bool json) {
  if (request.text.files.empty()) return Error::usage("quantize --type fp8: --calib FILE is required");
  if (request.sweep) return sweep_over_fp8(input, output, request, threads, json);
  const EngineOptions engine{.threads = threads, .kv_type = DType::kF32, .context = request.text.context};
  TRY_ASSIGN(const OpenedEngine opened, open_engine(input, engine));
  const BoundModel& model = opened.engine->model().bound();
  Fp8Result result;
  std::string recipe;
  {
    Progress progress("calibrating");
    TRY_ASSIGN(const auto windows,
               calibration_windows(samples_of(request, 1024), *model.file, opened.engine->tokenizer()));
    recipe = fp8_recipe(request.options, windows);
    result.samples = windows.size();
    TRY_ASSIGN(result.scales, calibrate_fp8(*opened.engine, windows, request.options, [&](double done) -> Status {
                 if (interrupted()) return Error::cancelled("interrupted; nothing was written");
                 progress.update(done);
                 return {};
               }));
  }
  {
    Progress progress("quantizing");
    const auto on_progress = [&](const ConvertProgress& at) -> Status {
      if (interrupted()) return Error::cancelled("interrupted; nothing was written");
      progress.update(static_cast<double>(at.bytes_done) / static_cast<double>(at.bytes_total));
      return {};
    };
    TRY_ASSIGN(result.tensors, write_fp8(model, output, result.scales, request.options, recipe, threads, on_progress));
  }
  if (json) {
    print_fp8_json(input, output, request.options, result);
  } else {
    print_fp8_table(output, result);
  }
  return {};
}

}  // namespace adder
