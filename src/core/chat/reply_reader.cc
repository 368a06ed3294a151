#include "core/chat/reply_reader.h"

#include <algorithm>

namespace adder {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSpace = " \t\r\n";

/// Bytes at the end of `text` that could be the beginning of `mark`.
size_t beginning_at_end(std::string_view text, std::string_view mark) {
  for (size_t n = std::min(text.size(), mark.size() - 1); n > 0; --n)
    if (mark.starts_with(text.substr(text.size() - n))) return n;
  return 0;
}

}  // namespace

ReplyReader::ReplyReader(const Tokenizer& tokenizer, ReplyMarks marks, Json tools, bool thinking)
    : marks_(std::move(marks)),
      tools_(std::move(tools)),
      decoder_(tokenizer),
      state_(thinking ? State::kReasoning : State::kContent),
      after_mark_(thinking) {
  if (!tools_.is_null() && !tools_.empty()) bare_call_.text = "<function=";
}

/// Those looked for in text: a mark with an id is not.
std::vector<const ReplyMarks::Mark*> ReplyReader::text_marks() const {
  std::vector<const ReplyMarks::Mark*> all;
  for (const auto* mark : {&marks_.think_begin, &marks_.think_end, &marks_.call_begin, &marks_.call_end, &bare_call_}) {
    const bool bare_inside = mark == &bare_call_ && state_ != State::kContent;
    if (!mark->text.empty() && mark->id < 0 && !bare_inside) all.push_back(mark);
  }
  return all;
}

std::vector<ReplyPart> ReplyReader::push(TokenId id) {
  for (const auto* mark : {&marks_.think_begin, &marks_.think_end, &marks_.call_begin, &marks_.call_end}) {
    if (mark->text.empty() || mark->id != id) continue;
    take_text(decoder_.finish());
    take_plain(std::exchange(held_, {}));
    take_mark(*mark);
    return taken();
  }
  take_text(decoder_.push(id));
  return taken();
}

std::vector<ReplyPart> ReplyReader::finish() {
  take_text(decoder_.finish());
  take_plain(std::exchange(held_, {}));
  if (state_ == State::kCall) end_call("");
  space_.clear();
  return taken();
}

void ReplyReader::take_text(std::string_view text) {
  held_ += text;
  for (;;) {
    const ReplyMarks::Mark* first = nullptr;
    size_t at = std::string::npos;
    for (const auto* mark : text_marks()) {
      const size_t found = held_.find(mark->text);
      if (found < at) {
        at = found;
        first = mark;
      }
    }
    if (first == nullptr) break;
    take_plain(std::string_view(held_).substr(0, at));
    held_.erase(0, at + first->text.size());
    take_mark(*first);
  }
  size_t keep = 0;
  for (const auto* mark : text_marks()) keep = std::max(keep, beginning_at_end(held_, mark->text));
  take_plain(std::string_view(held_).substr(0, held_.size() - keep));
  held_.erase(0, held_.size() - keep);
}

void ReplyReader::take_plain(std::string_view text) {
  if (state_ == State::kCall) {
    call_ += text;
  } else {
    give(state_ == State::kReasoning ? ReplyPart::Kind::kReasoning : ReplyPart::Kind::kContent, text);
  }
}

void ReplyReader::take_mark(const ReplyMarks::Mark& mark) {
  const bool is_call_end = &mark == &marks_.call_end;
  const bool is_call = &mark == &marks_.call_begin || &mark == &bare_call_;
  if (state_ == State::kReasoning && &mark == &marks_.think_end) {
    state_ = State::kContent;
    space_.clear();
    fresh_ = after_mark_ = true;
  } else if (state_ == State::kContent && &mark == &marks_.think_begin && fresh_) {
    state_ = State::kReasoning;
    space_.clear();
    after_mark_ = true;
  } else if (state_ != State::kReasoning && is_call) {
    if (state_ == State::kCall) end_call("");
    state_ = State::kCall;
    opening_.clear();
    call_.clear();
    (&mark == &bare_call_ ? call_ : opening_) = mark.text;
  } else if (state_ == State::kCall && is_call_end) {
    end_call(mark.text);
  } else if (state_ == State::kContent && is_call_end && !calls_.empty() && fresh_) {
    // closes a call that had no opening mark and has been read
  } else {
    take_plain(mark.text);
  }
}

void ReplyReader::end_call(std::string_view closing) {
  state_ = State::kContent;
  std::vector<ToolCall> calls = read_tool_calls(call_, tools_);
  if (calls.empty()) give(ReplyPart::Kind::kContent, opening_ + call_ + std::string(closing));
  for (ToolCall& call : calls) {
    calls_.push_back(call);
    parts_.push_back({ReplyPart::Kind::kCall, {}, std::move(call)});
    space_.clear();
    if (!content_.empty()) space_.push_back('\n');  // comes out if more content follows
    fresh_ = after_mark_ = true;
  }
  call_.clear();
}

void ReplyReader::give(ReplyPart::Kind kind, std::string_view text) {
  if (after_mark_) text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  if (text.empty()) return;
  after_mark_ = false;
  std::string all = std::exchange(space_, {}) + std::string(text);
  const size_t end = all.find_last_not_of(kSpace) + 1;
  space_ = all.substr(end);
  all.resize(end);
  if (all.empty()) return;
  fresh_ = false;
  std::string& whole = kind == ReplyPart::Kind::kReasoning ? reasoning_ : content_;
  whole += all;
  parts_.push_back({kind, std::move(all)});
}

Json ReplyReader::message() const {
  Json message = {{"role", "assistant"}, {"content", content_}};
  if (!reasoning_.empty()) message["reasoning_content"] = reasoning_;
  for (size_t i = 0; i < calls_.size(); ++i)
    message["tool_calls"].push_back(
        {{"id", fmt::format("call_{}", i)},
         {"type", "function"},
         {"function", {{"name", calls_[i].name}, {"arguments", calls_[i].arguments.dump()}}}});
  return message;
}

}  // namespace adder
