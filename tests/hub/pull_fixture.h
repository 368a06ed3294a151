#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "core/base/atomic_file.h"
#include "run/hub/pull.h"
#include "tests/hub/fake_hub.h"

namespace adder {

namespace fs = std::filesystem;

inline Status quiet(const PullProgress&) {
  return {};
}

/// Without printing them when they differ.
inline bool holds(const fs::path& path, const std::string& bytes) {
  const auto found = read_file(path);
  return found && *found == bytes;
}

/// A hub with one model file of some blocks, an empty cache, and options that do not wait long.
class PullFixture : public testing::Test {
 protected:
  void SetUp() override {
    cache_ = fs::path(testing::TempDir()) / fmt::format("adder-pull-{}", getpid());
    fs::remove_all(cache_);
    hub_ = std::make_unique<FakeHub>(
        std::map<std::string, std::string>{{"README.md", "# tiny\n"}, {"tiny-Q8_0.gguf", content_}});
  }
  void TearDown() override {
    hub_.reset();
    fs::remove_all(cache_);
  }

  FakeHub& hub() { return *hub_; }
  const std::string& content() const { return content_; }
  const fs::path& cache() const { return cache_; }
  fs::path repository_folder() const { return cache_ / "models/org/tiny"; }
  fs::path final_path() const { return repository_folder() / hub_->commit() / "tiny-Q8_0.gguf"; }
  ModelStore store() const { return ModelStore(cache_); }

  HubOptions options() const {
    HubOptions options;
    options.endpoint = hub_->url();
    options.cache = cache_;
    options.retry.first_wait = std::chrono::milliseconds(1);
    return options;
  }
  Result<Pulled> pull_tiny(std::optional<HubOptions> with = {}, const OnPull& on_progress = quiet) {
    return pull({"org", "tiny"}, with ? *with : options(), on_progress);
  }

  /// The head of an answer with the whole file, and the first `bytes` of it.
  std::string beginning_of_answer(size_t bytes) {
    const std::string answer = http_answer("200 OK", content(), "ETag: \"v1\"\r\n");
    return answer.substr(0, answer.size() - content().size() + bytes);
  }

 private:
  const std::string content_ = random_bytes(3 * 65536 + 17, 1);
  fs::path cache_;
  std::unique_ptr<FakeHub> hub_;
};

}  // namespace adder
