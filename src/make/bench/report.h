#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "make/bench/profile.h"
#include "make/bench/speed.h"

namespace adder {

/// One case as it came out.
struct BenchRow {
  Case measured;
  double load_s = 0;  ///< of the engine with that many threads
  SpeedReport speed;
  std::optional<Profile> profile = {};
};

/// Everything one `adder bench` has to say.
struct BenchReport {
  std::string model, isa;
  DType kv_type = DType::kF16, state_type = DType::kF32;
  int repetitions = 0;
  std::vector<BenchRow> rows;
};

enum class BenchFormat { kTable, kMarkdown, kCsv, kJson, kHtml };

/// For people: one row a case, rounded; medians, with half the range after a plus-minus sign where it is told. CSV and
/// JSON: every figure, in plain units; one JSON object a case, in an array when there are several. HTML: one page with
/// the table and bars for both speeds. Profiles are tables of their own, one a phase; CSV, a single table, has no room
/// for them and leaves them out.
std::string render(const BenchReport& report, BenchFormat format);

/// The parts that `render` puts together.
nlohmann::ordered_json to_json(const BenchReport& report);        ///< always an array
std::string csv(const nlohmann::ordered_json& array_of_objects);  ///< objects inside become columns: spread.x.low
std::string html(const BenchReport& report);

}  // namespace adder
