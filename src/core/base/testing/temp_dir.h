#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "core/base/atomic_file.h"

namespace adder::testing {

/// A fresh folder for one test, removed at its end.
class TempDir {
 public:
  TempDir() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(::testing::TempDir()) /
            fmt::format("adder-{}-{}-{}", ::getpid(), test->test_suite_name(), test->name());
    std::filesystem::create_directories(path_);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  /// Writes a file, folders included.
  void put(std::string_view name, std::string_view text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    const auto status = write_file(path_ / name, text);
    ASSERT_TRUE(status) << status.error().message();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace adder::testing
