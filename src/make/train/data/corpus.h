#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// One file of a corpus.
struct Book {
  int64_t id = 0;                      ///< the number its name begins with: "236-the-jungle-book.txt"
  std::string name;                    ///< file name
  std::vector<std::string> documents;  ///< nothing is remembered from one to the next
  std::string hash;                    ///< XXH3-128 of the file's bytes
  bool held_out = false;
};

/// The id that a file's name begins with, if it is one of a corpus: "<id>-<title>.txt", which is one document, or
/// "<id>-<title>.jsonl", where every line is one: {"text": ...}.
std::optional<int64_t> book_id(const std::filesystem::path& file);

/// Every book of a directory, by id. Those whose id is in `held_out` are never trained on: neither the model nor the
/// tokenizer sees them. An id in `held_out` that is not there, two files of one id, a line without a text, or no book
/// at all is an error; other files are ignored.
Result<std::vector<Book>> read_corpus(const std::filesystem::path& directory, const std::vector<int64_t>& held_out);

}  // namespace adder
