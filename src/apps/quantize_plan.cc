#include "apps/quantize_plan.h"

#include "apps/engine_options.h"
#include "apps/json_output.h"
#include "core/base/byte_size.h"
#include "make/plan/role_plan.h"
#include "make/plan/type_plan.h"

namespace adder {
namespace {

int64_t elements(const std::vector<TensorSpec>& specs) {
  int64_t n = 0;
  for (const TensorSpec& spec : specs) n += spec.shape.elements();
  return n;
}

uint64_t bytes_of(const QuantizePlan& plan, size_t i) {
  return storage_bytes(plan.types.types[i].type, plan.tensors[i].shape.elements());
}

Status check_table(const Sensitivities& table, const BoundModel& model, const QuantizeOptions& options,
                   const std::string& path) {
  if (table.model != model_fingerprint(model))
    return Error::usage("{}: gathered on another model than {}", path, model.file->path());
  if (table.importance == (options.imatrix ? options.imatrix->fingerprint() : "")) return {};
  return Error::usage("{}: gathered {}; give the same --imatrix, or none, to both commands", path,
                      table.importance.empty() ? "without an importance matrix"
                      : options.imatrix        ? "with another importance matrix"
                                               : "with an importance matrix");
}

/// Bytes of tensor data that the request leaves.
Result<uint64_t> budget(const PlanRequest& request, const QuantizePlan& plan) {
  if (request.bits > 0) return static_cast<uint64_t>(request.bits / 8 * static_cast<double>(elements(plan.tensors)));
  const auto limit = static_cast<uint64_t>(request.size_limit);
  if (limit > plan.overhead) return limit - plan.overhead;
  return Error::too_large("metadata and vocabulary alone take {}, the limit is {}",
                          byte_size_text(static_cast<int64_t>(plan.overhead)), byte_size_text(request.size_limit));
}

std::string shown(const std::optional<double>& divergence) {
  return divergence ? fmt::format("{:.2e}", *divergence) : "";
}

}  // namespace

void add_plan_options(CLI::App& command, PlanRequest& request) {
  auto* const size = add_size_option(command, "--size-limit", request.size_limit,
                                     "choose types so that the file has at most this size, like 2.4GiB");
  auto* const bits =
      command
          .add_option("--bpw", request.bits, "choose types so that tensor data takes at most so many bits per weight")
          ->check(CLI::Range(0.1, 32.0));
  auto* const table = command.add_option("--sensitivity", request.sensitivity, "table that 'adder sensitivity' wrote")
                          ->type_name("FILE");
  for (CLI::Option* const option : {size, bits}) {
    option->needs(table);
    option->excludes(command.get_option("--type"));
  }
  bits->excludes(size);
  command
      .add_flag("--by-role", request.by_role,
                "the table is of another model of the family, like a smaller one: one type for all matrices of a role")
      ->needs(table);
}

uint64_t QuantizePlan::data_bytes() const {
  uint64_t bytes = 0;
  for (size_t i = 0; i < tensors.size(); ++i) bytes += bytes_of(*this, i);
  return bytes;
}

double QuantizePlan::bits_per_weight() const {
  return static_cast<double>(data_bytes()) * 8 / static_cast<double>(elements(tensors));
}

std::optional<double> QuantizePlan::total_divergence() const {
  double sum = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].is_matrix) continue;
    if (!divergence[i]) return std::nullopt;
    sum += *divergence[i];
  }
  return sum;
}

Result<QuantizePlan> make_plan(const std::filesystem::path& input, const PlanRequest& request,
                               const QuantizeOptions& options) {
  TRY_ASSIGN(auto file, ModelFile::open(input));
  TRY_ASSIGN(const BoundModel model, bind(std::make_shared<const ModelFile>(std::move(file))));
  QuantizePlan plan;
  plan.types = chosen_types(options, model.config);
  plan.tensors = tensor_specs(model.config);
  plan.divergence.resize(plan.tensors.size());
  TRY_ASSIGN(plan.overhead, overhead_bytes(model, options));
  if (request.sensitivity.empty()) return plan;

  TRY_ASSIGN(const Sensitivities table, Sensitivities::read(request.sensitivity));
  if (!request.by_role) TRY(check_table(table, model, options, request.sensitivity));
  if (request.asked() && request.by_role) {
    TRY_ASSIGN(const uint64_t bytes, budget(request, plan));
    TRY_ASSIGN(plan.types, plan_by_role(table, model.config, bytes));
    return plan;
  }
  if (request.asked()) {
    TRY_ASSIGN(const uint64_t bytes, budget(request, plan));
    TRY_ASSIGN(plan.types, plan_within(table, model.config, bytes));
  }
  plan.divergence = predicted_divergences(table, model.config, plan.types.types);
  return plan;
}

void print_plan(const QuantizePlan& plan, bool json) {
  if (!json) {
    for (size_t i = 0; i < plan.tensors.size(); ++i)
      fmt::print("{:<32} {:<6} {:>12} {:>9}\n", plan.tensors[i].gguf_name, name(plan.types.types[i].type),
                 bytes_of(plan, i), shown(plan.divergence[i]));
    fmt::print("\n{} of tensor data, {:.3f} bits per weight; a file of at most {}\n",
               byte_size_text(static_cast<int64_t>(plan.data_bytes())), plan.bits_per_weight(),
               byte_size_text(static_cast<int64_t>(plan.data_bytes() + plan.overhead)));
    if (const auto total = plan.total_divergence())
      fmt::print("predicted divergence {} nats per token\n", shown(total));
    return;
  }
  const auto or_null = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  Json tensors = Json::array();
  for (size_t i = 0; i < plan.tensors.size(); ++i)
    tensors.push_back({{"name", plan.tensors[i].gguf_name},
                       {"type", name(plan.types.types[i].type)},
                       {"wanted", name(plan.types.types[i].wanted)},
                       {"bytes", bytes_of(plan, i)},
                       {"bits_per_weight", static_cast<double>(bytes_of(plan, i)) * 8 /
                                               static_cast<double>(plan.tensors[i].shape.elements())},
                       {"divergence", or_null(plan.divergence[i])}});
  print_json({{"bytes", plan.data_bytes()},
              {"bits_per_weight", plan.bits_per_weight()},
              {"most_file_bytes", plan.data_bytes() + plan.overhead},
              {"divergence", or_null(plan.total_divergence())},
              {"file_type", plan.types.file_type},
              {"tensors", tensors}});
}

}  // namespace adder
