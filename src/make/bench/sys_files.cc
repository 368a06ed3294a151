#include "make/bench/sys_files.h"

#include <algorithm>
#include <fstream>

namespace adder {

namespace fs = std::filesystem;

std::optional<int64_t> read_number(const fs::path& path) {
  int64_t value = 0;
  if (std::ifstream file(path); file >> value && value >= 0) return value;
  return {};
}

std::string read_word(const fs::path& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word;
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    paths.push_back(it->path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace adder
