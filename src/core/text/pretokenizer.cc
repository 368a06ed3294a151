#include "core/text/pretokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>

#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/text/pretokenizer_rules.h"
#include "core/text/regex_dialect.h"

namespace adder {
namespace {

template <auto free_function>
struct Freeing {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using Code = std::unique_ptr<pcre2_code, Freeing<pcre2_code_free>>;
using CompileContext = std::unique_ptr<pcre2_compile_context, Freeing<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Freeing<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Freeing<pcre2_match_data_free>>;

/// PCRE2 says by null that there is no memory.
template <class T>
T* enough_memory(T* object) {
  if (!object) throw std::bad_alloc();
  return object;
}

constexpr uint32_t kHeapLimitKib = 64 * 1024;

/// Steps of backtracking that a text of so many bytes may take from one starting point. The named rules walk back over
/// a run of white space a few times; 16 steps a byte leave room for three times as much.
uint32_t match_limit(size_t bytes) {
  return static_cast<uint32_t>(std::min<size_t>(1000 + 16 * bytes, UINT32_MAX));
}

Result<Code> compile(std::string_view published) {
  TRY_ASSIGN(const std::string expression, pcre2_from_oniguruma(published));
  const CompileContext context(enough_memory(pcre2_compile_context_create(nullptr)));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  // Group contents are never read.
  const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NO_AUTO_CAPTURE;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(), options, &error, &offset,
                          context.get()));
  if (!code && error == PCRE2_ERROR_HEAP_FAILED) throw std::bad_alloc();
  if (!code) {
    std::array<PCRE2_UCHAR, 256> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    return Error::unsupported("expression '{}': {}", published, reinterpret_cast<const char*>(text.data()));
  }
  // Where there is no JIT (the build or the system may forbid it), pcre2_match interprets.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  return code;
}

/// Finds the matches of one expression in one well-formed piece, in order.
class Matcher {
 public:
  Matcher(const pcre2_code* code, pcre2_match_data* data, pcre2_match_context* context, std::string_view subject)
      : code_(code), data_(data), context_(context), subject_(subject) {}

  /// The next match at or after `from`, as offsets; false if there is none or the search ran into a limit.
  bool find(size_t from, size_t& begin, size_t& end) const {
    int found = match(from, PCRE2_NO_UTF_CHECK);
    // The interpreter keeps its stack on the heap, where there is more of it.
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = match(from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
    if (found == PCRE2_ERROR_NOMEMORY) throw std::bad_alloc();
    if (found < 0) return false;
    const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(data_);
    begin = offsets[0];
    end = offsets[1];
    DCHECK(from <= begin && begin <= end && end <= subject_.size());
    return true;
  }

 private:
  int match(size_t from, uint32_t options) const {
    return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(subject_.data()), subject_.size(), from, options, data_,
                       context_);
  }

  const pcre2_code* code_;
  pcre2_match_data* data_;
  pcre2_match_context* context_;
  std::string_view subject_;
};

void append(std::string_view piece, bool dropped, std::vector<std::string_view>& pieces) {
  if (!piece.empty() && !dropped) pieces.push_back(piece);
}

/// Cuts one well-formed piece. An empty match cuts where it stands, except right behind the match before it.
void cut(const Matcher& matcher, SplitStep::Drop drop, std::string_view text, std::vector<std::string_view>& pieces) {
  const bool drop_match = drop == SplitStep::Drop::kMatches, drop_between = drop == SplitStep::Drop::kBetween;
  size_t done = 0;  // all before is in pieces
  size_t from = 0, begin = 0, end = 0;
  bool matched_before = false;
  while (matcher.find(from, begin, end)) {
    if (begin == end && matched_before && end == done) {
      if (from == text.size()) break;
      from += utf8_next(text.substr(from)).bytes;
      continue;
    }
    append(text.substr(done, begin - done), drop_between, pieces);
    append(text.substr(begin, end - begin), drop_match, pieces);
    done = from = end;
    matched_before = true;
  }
  append(text.substr(done), drop_between, pieces);
}

}  // namespace

struct Pretokenizer::Impl {
  struct Step {
    Code code;
    SplitStep::Drop drop;
  };
  std::vector<Step> steps;

  void split_valid(std::string_view text, pcre2_match_context* context, std::vector<std::string_view>& pieces) const;
};

Pretokenizer::Pretokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pretokenizer::Pretokenizer(Pretokenizer&&) noexcept = default;
Pretokenizer& Pretokenizer::operator=(Pretokenizer&&) noexcept = default;
Pretokenizer::~Pretokenizer() = default;

Result<Pretokenizer> Pretokenizer::named(std::string_view pre) {
  TRY_ASSIGN(const std::vector<SplitStep> steps, split_of({}, pre));
  return from_steps(steps);
}

Result<Pretokenizer> Pretokenizer::from_regex(std::span<const std::string> expressions) {
  std::vector<SplitStep> steps;
  for (const std::string& expression : expressions) steps.push_back({expression});
  return from_steps(steps);
}

Result<Pretokenizer> Pretokenizer::from_steps(std::span<const SplitStep> steps) {
  auto impl = std::make_unique<Impl>();
  for (const SplitStep& step : steps) {
    TRY_ASSIGN(Code code, compile(step.regex));
    impl->steps.push_back({std::move(code), step.drop});
  }
  return Pretokenizer(std::move(impl));
}

void Pretokenizer::Impl::split_valid(std::string_view text, pcre2_match_context* context,
                                     std::vector<std::string_view>& pieces) const {
  std::vector<std::string_view> coarse = {text}, fine;
  for (const Step& step : steps) {
    const MatchData data(enough_memory(pcre2_match_data_create(1, nullptr)));
    fine.clear();
    for (const std::string_view piece : coarse) {
      pcre2_set_match_limit(context, match_limit(piece.size()));
      cut(Matcher(step.code.get(), data.get(), context, piece), step.drop, piece, fine);
    }
    std::swap(coarse, fine);
  }
  pieces.insert(pieces.end(), coarse.begin(), coarse.end());
}

void Pretokenizer::split(std::string_view text, std::vector<std::string_view>& pieces) const {
  const MatchContext context(enough_memory(pcre2_match_context_create(nullptr)));
  pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  while (!text.empty()) {
    const size_t valid = utf8_valid_prefix(text);
    if (valid > 0) impl_->split_valid(text.substr(0, valid), context.get(), pieces);
    if (valid < text.size()) pieces.push_back(text.substr(valid, 1));
    text.remove_prefix(std::min(valid + 1, text.size()));
  }
}

}  // namespace adder
