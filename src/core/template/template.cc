#include "core/template/template.h"

#include "core/template/functions.h"
#include "core/template/interpreter.h"
#include "core/template/parser.h"

namespace adder {
namespace {

Status add_variables(const nlohmann::ordered_json& from, bool quoted, jinja::Map& variables) {
  for (const auto& [name, json] : from.items()) {
    TRY_ASSIGN(jinja::Value value, jinja::Value::from_json(json, quoted));
    variables.set(jinja::Text(name), std::move(value));
  }
  return {};
}

std::vector<TextRange> quoted_ranges(const jinja::Text& text) {
  std::vector<TextRange> ranges;
  for (size_t at = 0; at < text.bytes().size(); ++at) {
    if (!text.quoted(at)) continue;
    if (ranges.empty() || ranges.back().end != at) ranges.push_back({at, at});
    ranges.back().end = at + 1;
  }
  return ranges;
}

}  // namespace

struct Template::Tree {
  jinja::Body body;
};

Template::Template(std::unique_ptr<const Tree> tree) : tree_(std::move(tree)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Result<Template> Template::parse(std::string_view source) {
  const auto body = [&]() -> Result<jinja::Body> {
    TRY_ASSIGN(std::vector<jinja::Token> tokens, jinja::tokenize(source));
    return jinja::parse(std::move(tokens));
  };
  auto parsed = body();
  if (!parsed) return Error(parsed.error().code(), "chat template " + parsed.error().message());
  return Template(std::make_unique<const Tree>(Tree{std::move(*parsed)}));
}

Result<RenderedTemplate> Template::render(const TemplateInput& input, const TemplateLimits& limits) const {
  jinja::Map variables;
  jinja::add_functions(variables);
  TRY(add_variables(input.trusted, false, variables));
  TRY(add_variables(input.quoted, true, variables));
  jinja::Interpreter interpreter({limits.work, limits.output_bytes}, input.now);
  auto text = interpreter.run(tree_->body, variables);
  if (!text) return std::move(text).error().in(fmt::format("chat template line {}", interpreter.line()));
  return RenderedTemplate{text->bytes(), quoted_ranges(*text)};
}

}  // namespace adder
