// The first half of the bytes is a template, up to a zero byte; the rest is the content of a message. Parsing and
// rendering must end in text or in an error; the quoted ranges must be in order and inside the text, and a template
// without variables quotes nothing.
#include <algorithm>

#include "core/base/check.h"
#include "core/template/template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace adder;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t cut = std::min(bytes.find('\0'), size);
  const auto parsed = Template::parse(bytes.substr(0, cut));
  if (!parsed) return 0;
  nlohmann::ordered_json messages = {
      {{"role", "user"}, {"content", std::string(bytes.substr(cut))}},
      {{"role", "assistant"}, {"content", "a"}, {"tool_calls", {{{"name", "f"}, {"arguments", {{"x", 1.5}}}}}}}};
  const TemplateLimits limits = {.work = 1 << 20, .output_bytes = 1 << 16};
  const auto rendered = parsed->render({.quoted = {{"messages", std::move(messages)}}}, limits);
  if (!rendered) return 0;
  CHECK(rendered->text.size() <= limits.output_bytes);
  size_t done = 0;
  for (const TextRange& range : rendered->quoted) {
    CHECK(range.begin >= done && range.begin < range.end && range.end <= rendered->text.size());
    done = range.end + 1;
  }
  const auto alone = parsed->render({}, limits);
  CHECK(!alone || alone->quoted.empty());
  return 0;
}
