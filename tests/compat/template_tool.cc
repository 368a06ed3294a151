// template_tool: renders chat templates for templates.py. Each line of standard input is a JSON object {"template":
// text, "quoted": {...}, "trusted": {...}, "now": seconds since 1970}; each line of standard output answers with
// {"text": text, "quoted": [[begin, end], ...]} in bytes, or {"error": text}.
#include <fmt/format.h>

#include <iostream>

#include "core/template/template.h"

int main() {
  using namespace adder;
  using Json = nlohmann::ordered_json;
  for (std::string line; std::getline(std::cin, line);) {
    const Json request = Json::parse(line);
    TemplateInput input{request["quoted"], request["trusted"]};
    const std::time_t now = request["now"].get<std::time_t>();
    gmtime_r(&now, &input.now);
    const auto rendered = [&]() -> Result<RenderedTemplate> {
      TRY_ASSIGN(const Template chat_template, Template::parse(request["template"].get<std::string>()));
      return chat_template.render(input);
    }();
    Json answer;
    if (rendered) {
      answer = {{"text", rendered->text}, {"quoted", Json::array()}};
      for (const TextRange& range : rendered->quoted) answer["quoted"].push_back({range.begin, range.end});
    } else {
      answer["error"] = rendered.error().message();
    }
    fmt::print("{}\n", answer.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
}
