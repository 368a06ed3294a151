#include "core/formats/sampling_advice.h"

#include <cmath>
#include <limits>
#include <string>

#include "core/formats/gguf_type.h"
#include "core/formats/json.h"

namespace adder {
namespace {

template <class T>
struct Field {
  const char* hf;
  const char* gguf;
  std::optional<T> SamplingAdvice::*value;
};

constexpr Field<float> kFloats[] = {
    {"temperature", "general.sampling.temp", &SamplingAdvice::temperature},
    {"top_p", "general.sampling.top_p", &SamplingAdvice::top_p},
    {"min_p", "general.sampling.min_p", &SamplingAdvice::min_p},
    {"repetition_penalty", "general.sampling.penalty_repeat", &SamplingAdvice::repetition_penalty}};
constexpr Field<int> kInts[] = {{"top_k", "general.sampling.top_k", &SamplingAdvice::top_k},
                                {"penalty_last_n", "general.sampling.penalty_last_n", &SamplingAdvice::penalty_last_n}};

constexpr int kEverything = -1;

Result<float> to_float(double value, const char* key) {
  if (!std::isfinite(value) || std::abs(value) > std::numeric_limits<float>::max())
    return Error::corrupt("{}: {} is out of range", key, value);
  return static_cast<float>(value);
}

Result<int> to_int(int64_t value, const char* key) {
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max())
    return Error::corrupt("{}: {} is out of range", key, value);
  return static_cast<int>(value);
}

Error no_number(const nlohmann::json& value, const char* key, const char* expected) {
  return Error::corrupt("generation_config.json: {}: {} expected, found {}", key, expected, value.type_name());
}

Result<SamplingAdvice> from_json(const nlohmann::json& config) {
  SamplingAdvice advice;
  for (const auto& field : kFloats) {
    const nlohmann::json& value = json_member(config, field.hf);
    if (value.is_null()) continue;
    if (!value.is_number()) return no_number(value, field.hf, "a number");
    TRY_ASSIGN(advice.*field.value, to_float(value.get<double>(), field.hf));
  }
  for (const auto& field : kInts) {
    const nlohmann::json& value = json_member(config, field.hf);
    if (value.is_null()) continue;
    const bool fits = value.is_number_integer() && (!value.is_number_unsigned() || value <= 1u << 30);
    if (!fits) return no_number(value, field.hf, "an integer");
    TRY_ASSIGN(advice.*field.value, to_int(value.get<int64_t>(), field.hf));
  }
  if (advice.top_k == -1) advice.top_k = 0;
  if (advice.repetition_penalty && !advice.penalty_last_n) advice.penalty_last_n = kEverything;
  if (json_member(config, "do_sample") == false) advice.temperature = 0;
  return advice;
}

}  // namespace

Result<SamplingAdvice> sampling_advice(const Gguf& file) {
  SamplingAdvice advice;
  for (const auto& field : kFloats) {
    if (file.find(field.gguf) == nullptr) continue;
    TRY_ASSIGN(const double value, file.number(field.gguf));
    TRY_ASSIGN(advice.*field.value, to_float(value, field.gguf));
  }
  for (const auto& field : kInts) {
    if (file.find(field.gguf) == nullptr) continue;
    TRY_ASSIGN(const int64_t value, file.integer(field.gguf));
    TRY_ASSIGN(advice.*field.value, to_int(value, field.gguf));
  }
  return advice;
}

Result<SamplingAdvice> sampling_advice(const ModelFile& file) {
  if (const Gguf* gguf = file.gguf()) return sampling_advice(*gguf);
  const auto& config = file.hf()->generation_config();
  return config ? from_json(*config) : SamplingAdvice();
}

std::vector<GgufEntry> gguf_entries(const SamplingAdvice& advice) {
  std::vector<GgufEntry> entries;
  for (const auto& field : kFloats)
    if (const auto value = advice.*field.value)
      entries.push_back({field.gguf, static_cast<uint32_t>(GgufType::kF32), false, double{*value}});
  for (const auto& field : kInts)
    if (const auto value = advice.*field.value)
      entries.push_back({field.gguf, static_cast<uint32_t>(GgufType::kI32), false, int64_t{*value}});
  return entries;
}

nlohmann::json to_generation_config_json(const SamplingAdvice& advice) {
  nlohmann::json config = nlohmann::json::object();
  for (const auto& field : kFloats)  // in as many digits as tell the number, not those of the double nearest to it
    if (const auto value = advice.*field.value) config[field.hf] = nlohmann::json::parse(fmt::format("{}", *value));
  if (advice.top_k) config["top_k"] = *advice.top_k;
  if (!advice.temperature) return config;
  config["do_sample"] = *advice.temperature > 0;
  if (*advice.temperature == 0) config.erase("temperature");
  return config;
}

}  // namespace adder
