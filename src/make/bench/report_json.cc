#include "make/bench/report.h"

namespace adder {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Spread& s) {
  return {{"median", s.median}, {"low", s.low}, {"high", s.high}};
}

Json to_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const PhaseProfile& phase) {
  Json ops = Json::array();
  for (const OpTime& op : phase.ops)
    ops.push_back({{"op", op.op},
                   {"calls", op.calls},
                   {"thread_seconds", op.seconds},
                   {"bytes", op.bytes},
                   {"operations", op.operations}});
  return {{"seconds", phase.seconds},
          {"tokens", phase.tokens},
          {"between_ops_thread_seconds", phase.between_seconds()},
          {"ops", ops}};
}

Json to_json(const BenchReport& report, const BenchRow& row) {
  const SpeedReport& s = row.speed;
  return {{"model", report.model},
          {"isa", report.isa},
          {"threads", row.measured.threads},
          {"kv_type", name(report.kv_type)},
          {"state_type", name(report.state_type)},
          {"prompt", row.measured.prompt},
          {"generate", row.measured.generate},
          {"depth", row.measured.depth},
          {"batch", row.measured.batch},
          {"repetitions", report.repetitions},
          {"prompt_tokens_per_s", s.prompt_tokens_per_s.median},
          {"generate_tokens_per_s", s.generate_tokens_per_s.median},
          {"time_to_first_token_s", s.time_to_first_token_s.median},
          {"load_s", row.load_s},
          {"peak_rss_bytes", s.peak_rss_bytes},
          {"prompt_operations_per_s", s.prompt_operations_per_s},
          {"bytes_per_token", s.pass.total() / row.measured.batch},
          {"pass_bytes",
           {{"weights", s.pass.weights},
            {"state_read", s.pass.state_read},
            {"state_written", s.pass.state_written},
            {"kv_read", s.pass.kv_read}}},
          {"achieved_bytes_per_s", s.achieved_bandwidth},
          {"read_bandwidth_bytes_per_s", s.read_bandwidth},
          {"read_bandwidth_typical_bytes_per_s", s.typical_read_bandwidth},
          {"read_bandwidth_share", s.bandwidth_share},
          {"read_bandwidth_buffer_bytes", s.read_buffer_bytes},
          {"prompt_joules_per_token", to_json(s.prompt_joules_per_token)},
          {"generate_joules_per_token", to_json(s.generate_joules_per_token)},
          {"spread",
           {{"prompt_tokens_per_s", to_json(s.prompt_tokens_per_s)},
            {"generate_tokens_per_s", to_json(s.generate_tokens_per_s)},
            {"time_to_first_token_s", to_json(s.time_to_first_token_s)}}}};
}

/// RFC 4180.
std::string csv_cell(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

void flatten(const Json& object, const std::string& prefix, std::vector<std::pair<std::string, std::string>>& cells) {
  for (const auto& [key, value] : object.items()) {
    if (key == "profile") continue;
    if (value.is_object()) {
      flatten(value, prefix + key + ".", cells);
    } else {
      cells.emplace_back(prefix + key, csv_cell(value));
    }
  }
}

}  // namespace

Json to_json(const BenchReport& report) {
  Json rows = Json::array();
  for (const BenchRow& row : report.rows) {
    rows.push_back(to_json(report, row));
    if (row.profile)
      rows.back()["profile"] = {{"prompt", to_json(row.profile->prompt)}, {"generate", to_json(row.profile->generate)}};
  }
  return rows;
}

std::string csv(const Json& array_of_objects) {
  std::string text;
  for (const Json& object : array_of_objects) {
    std::vector<std::pair<std::string, std::string>> cells;
    flatten(object, "", cells);
    std::string head, line;
    for (const auto& [key, value] : cells) {
      head += (head.empty() ? "" : ",") + key;
      line += (line.empty() && &value == &cells.front().second ? "" : ",") + value;
    }
    if (text.empty()) text = head + "\r\n";
    text += line + "\r\n";
  }
  return text;
}

}  // namespace adder
