#pragma once

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// What a rendering may cost. The defaults leave room for a conversation of a million tokens, and end a template that
/// loops or multiplies within seconds and some hundred megabytes.
struct TemplateLimits {
  int64_t work = int64_t{1} << 30;         ///< see jinja::Budget
  size_t output_bytes = size_t{64} << 20;  ///< of the rendered text
};

struct TemplateInput {
  nlohmann::ordered_json quoted = nlohmann::ordered_json::object();   ///< variables from outside: messages, tools
  nlohmann::ordered_json trusted = nlohmann::ordered_json::object();  ///< variables that belong to the template
  std::tm now = {};                                                   ///< for strftime_now
};

/// Bytes [begin, end) of a text.
struct TextRange {
  size_t begin, end;
  bool operator==(const TextRange&) const = default;
};

struct RenderedTemplate {
  std::string text;
  /// What comes from `quoted`, in order and apart from each other. All else are the template's own words: only there
  /// may a control token be meant by its name.
  std::vector<TextRange> quoted;
};

/// A chat template: the part of the Jinja language that published ones use, with the settings of Hugging Face
/// `transformers` (blocks trimmed, loop controls, {% generation %}). The language itself is in the headers of this
/// folder: white space in lexer.h, grammar in parser.h, values in value.h, then methods.h, filters.h, predicates.h and
/// functions.h.
///
/// Templates come with model files, so they are not trusted: they see the values they are given and nothing else, and
/// cannot cost more than TemplateLimits. Immutable after parsing, safe to share between threads.
class Template {
 public:
  /// Errors: see tokenize and parse.
  static Result<Template> parse(std::string_view source);

  /// kUsage with the template's own words when it refuses the conversation (raise_exception), kCorrupt for an operation
  /// on values it does not suit, kUnsupported for what is not part of the subset, kTooLarge beyond a limit. Messages
  /// begin with "chat template line N".
  Result<RenderedTemplate> render(const TemplateInput& input, const TemplateLimits& limits = {}) const;

  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

 private:
  struct Tree;
  explicit Template(std::unique_ptr<const Tree> tree);
  std::unique_ptr<const Tree> tree_;
};

}  // namespace adder
