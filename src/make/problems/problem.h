#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/rng.h"

namespace adder {

/// A question in text with one right answer: `prompt` ends where the answer begins, and a line's end follows it.
struct Problem {
  std::string_view task;  ///< its Task's name
  int64_t level = 0;      ///< how hard, see Task
  std::string prompt;
  std::string answer;  ///< may have several lines
  std::string more;    ///< lines that a text to train on goes on with: the same asked again, of others

  std::string text() const { return prompt + answer + "\n" + more; }
};

/// Whether what a model wrote after the prompt is the answer and nothing else on its last line.
bool solves(const Problem& problem, std::string_view continuation);

/// Problems are divided by what they ask, so that none is ever in both parts, whoever makes them: one in 16 is a test.
bool is_test(const Problem& problem);

/// A kind of problem, made without end. `make` depends on the state of `rng` and the level alone.
struct Task {
  std::string_view name;
  std::string_view what;  ///< one line for people, with what a level is
  int64_t levels;         ///< 0 .. levels - 1
  Problem (*make)(Rng& rng, int64_t level);
};

/// recall of one among many, copying, arithmetic, counting, following a format, answering from stated facts
std::span<const Task> tasks();
const Task* find_task(std::string_view name);

}  // namespace adder
