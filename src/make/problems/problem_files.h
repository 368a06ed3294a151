#pragma once

#include <filesystem>
#include <vector>

#include "core/base/result.h"
#include "make/problems/problem.h"

namespace adder {

struct ProblemFilesOptions {
  std::vector<const Task*> tasks;  ///< each gets an equal share
  int64_t train_bytes = 0;         ///< of text, over all tasks
  int64_t tests_per_task = 0;
  uint64_t seed = 0;
  int64_t max_level = INT64_MAX;  ///< no harder ones, to train on or to test
};

/// What was written of one task.
struct ProblemFile {
  const Task* task = nullptr;
  int64_t problems = 0, bytes = 0;  ///< to train on
  int64_t test_bytes = 0;
};

/// A corpus of problems, of all levels alike, in the layout that a corpus of prose has:
///   900001-recall.jsonl ...   problems to train on, each a document
///   910001-recall.jsonl ...   held out: `tests_per_task` problems that are in none of the others
///   problems.jsonl            those held out, a line each: task, level, prompt, answer
/// The bytes depend on the options alone. Fails if a file of one of these names is there already.
Result<std::vector<ProblemFile>> write_problems(const std::filesystem::path& directory,
                                                const ProblemFilesOptions& options);

/// The problems of such a problems.jsonl. kCorrupt, with the line, for one that is not as above or of no task there is.
Result<std::vector<Problem>> read_problems(const std::filesystem::path& path);

inline constexpr int64_t kFirstTrainId = 900001, kFirstTestId = 910001;

}  // namespace adder
