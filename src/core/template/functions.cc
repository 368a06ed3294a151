#include "core/template/functions.h"

#include <array>

#include "core/template/interpreter.h"
#include "core/template/text_functions.h"
#include "core/template/value_writer.h"

namespace adder::jinja {
namespace {

constexpr uint64_t kMostRange = 100000;

Result<Value> raise_exception(Interpreter& run, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("raise_exception", {"message"}, 1));
  TRY_ASSIGN(const Text message, to_text(given[0], run.budget()));
  return Error::usage("{}", message.bytes());
}

Result<Value> strftime_now(Interpreter& run, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("strftime_now", {"format"}, 1));
  if (!given[0].is_text()) return Error::corrupt("strftime_now of {}, expected a format", given[0].kind_name());
  const std::string& format = given[0].as_text().bytes();
  std::array<char, 1024> out;
  const size_t n = std::strftime(out.data(), out.size(), format.c_str(), &run.now());
  if (n == 0 && !format.empty()) return Error::corrupt("strftime_now: a format that gives no text, or too much");
  return Value::text(std::string_view(out.data(), n));
}

Result<Value> range(Interpreter& run, const Arguments& arguments) {
  TRY_ASSIGN(const auto given, arguments.bind("range", {"begin", "end", "step"}, 1));
  const bool only_end = arguments.positional.size() == 1;
  TRY_ASSIGN(const int64_t first, integer_or(given[0], 0, "range"));
  TRY_ASSIGN(const int64_t second, integer_or(given[1], 0, "range"));
  TRY_ASSIGN(const int64_t step, integer_or(given[2], 1, "range"));
  if (step == 0) return Error::corrupt("range with step 0");
  const int64_t begin = only_end ? 0 : first, end = only_end ? first : second;
  // In unsigned numbers, where the distance of any two integers fits.
  const auto wide = [](int64_t n) { return static_cast<uint64_t>(n); };
  const uint64_t distance =
      step > 0 ? (end > begin ? wide(end) - wide(begin) : 0) : (begin > end ? wide(begin) - wide(end) : 0);
  const uint64_t stride = step > 0 ? wide(step) : uint64_t{0} - wide(step);
  const uint64_t n = distance == 0 ? 0 : (distance - 1) / stride + 1;
  if (n > kMostRange) return Error::too_large("a range of {} integers, at most {} are allowed", n, kMostRange);
  TRY(run.budget().spend_values(n));
  Value::List all;
  for (uint64_t i = 0; i < n; ++i) all.push_back(Value::integer(static_cast<int64_t>(wide(begin) + i * wide(step))));
  return Value::list(std::move(all));
}

Result<Map> named_values(std::string_view what, const Arguments& arguments) {
  if (arguments.positional.size() > 1) return Error::corrupt("{} takes one mapping and named values", what);
  Map map;
  if (!arguments.positional.empty()) {
    if (!arguments.positional[0].is_map())
      return Error::corrupt("{} of {}, expected a mapping", what, arguments.positional[0].kind_name());
    map = arguments.positional[0].as_map();
  }
  for (const auto& [name, value] : arguments.named) map.set(Text(name), value);
  return map;
}

Result<Value> make_namespace(Interpreter& run, const Arguments& arguments) {
  TRY(run.budget().spend_values(1 + arguments.named.size()));
  TRY_ASSIGN(Map fields, named_values("namespace", arguments));
  return run.new_namespace(std::move(fields));
}

Result<Value> dict(Interpreter& run, const Arguments& arguments) {
  TRY(run.budget().spend_values(1 + arguments.named.size()));
  TRY_ASSIGN(Map entries, named_values("dict", arguments));
  return Value::map(std::move(entries));
}

}  // namespace

void add_functions(Map& variables) {
  variables.set(Text("raise_exception"), Value::function(raise_exception));
  variables.set(Text("strftime_now"), Value::function(strftime_now));
  variables.set(Text("range"), Value::function(range));
  variables.set(Text("namespace"), Value::function(make_namespace));
  variables.set(Text("dict"), Value::function(dict));
}

}  // namespace adder::jinja
