#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/atomic_file.h"
#include "program.h"

namespace adder {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string prose() {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "It was the " + std::to_string(i) + "th day, and the sea lay still. ";
  return text;
}

TEST(Perplexity, CountsTheTextInTwoWays) {
  const Outcome outcome = run_adder(
      {.arguments = {"perplexity", tiny_model(), "--data", "-", "--threads", "1", "--context", "64", "--json"},
       .input = prose()});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto report = outcome.json();
  const double perplexity = report["perplexity"], nll = report["nll"];
  EXPECT_NEAR(perplexity, std::exp(nll), 1e-9 * perplexity);
  EXPECT_GT(perplexity, 2048 / 8.0);  // weights that know nothing
  EXPECT_EQ(report["tokens"], report["windows"].get<int64_t>() * (64 / 2 - 1));

  const auto every = run_adder({.arguments = {"perplexity", tiny_model(), "--data", "-", "--threads", "1", "--context",
                                              "64", "--every-token", "--json"},
                                .input = prose()})
                         .json();
  const auto ids = run_adder({.arguments = {"tokenize", tiny_model(), "--no-bos", "--json"}, .input = prose()}).json();
  EXPECT_GE(every["tokens"], ids["count"].get<int64_t>() - 1);
  EXPECT_LE(every["tokens"], ids["count"]);
}

TEST(Perplexity, SaysWhatIsMissing) {
  EXPECT_EQ(run_adder({"perplexity", tiny_model(), "--data", "/nowhere.txt"}).status, 3);
  const Outcome outcome = run_adder({.arguments = {"perplexity", tiny_model(), "--data", "-"}, .input = "too short"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("512"));
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST(Compare, AModelIsItselfAndAQuantisedOneNearlySo) {
  const std::string parent = scratch() / "parent.gguf", child = scratch() / "child.gguf";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", parent}).status, 0);
  ASSERT_EQ(run_adder({"quantize", parent, child, "--type", "q4_0"}).status, 0);
  const auto compare = [](const std::string& a, const std::string& b) {
    return run_adder({.arguments = {"compare", a, b, "--data", "-", "--threads", "1", "--context", "64", "--windows",
                                    "2", "--json"},
                      .input = prose()})
        .json();
  };
  const auto same = compare(parent, parent), moved = compare(parent, child);
  EXPECT_EQ(same["kl"]["mean"], 0);
  EXPECT_EQ(same["same_top"], 1);
  EXPECT_GT(moved["kl"]["mean"], 0);
  EXPECT_LT(moved["kl"]["mean"], 1);
}

}  // namespace
}  // namespace adder
