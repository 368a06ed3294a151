#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace adder {

/// One text file of a corpus.
struct Book {
  int64_t id = 0;    ///< the number its file name begins with: "236-the-jungle-book.txt"
  std::string name;  ///< file name
  std::string text;
  std::string hash;  ///< XXH3-128 of the bytes
  bool held_out = false;
};

/// Every "<id>-<title>.txt" of a directory, by id. Books whose id is in `held_out` are never trained on: neither the
/// model nor the tokenizer sees them. An id in `held_out` that is not there, two files of one id, or no file at all is
/// an error; other files are ignored.
Result<std::vector<Book>> read_corpus(const std::filesystem::path& directory, const std::vector<int64_t>& held_out);

}  // namespace adder
