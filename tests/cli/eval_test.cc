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

/// From a text to a file of a chosen size, in four commands.
TEST(Planner, ChoosesTypesForASize) {
  const std::string parent = scratch() / "whole.gguf", imatrix = scratch() / "x.imatrix", table = scratch() / "x.json";
  const std::string planned = scratch() / "planned.gguf";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", parent}).status, 0);
  const auto gathered = run_adder({.arguments = {"imatrix", parent, "--data", "-", "--context", "64", "--windows", "3",
                                                 "--out", imatrix, "--threads", "1", "--json"},
                                   .input = prose()});
  ASSERT_EQ(gathered.status, 0) << gathered.err;
  EXPECT_EQ(gathered.json()["windows"], 3);
  EXPECT_EQ(gathered.json()["tensors"][0]["rows"], 3 * 64);

  const Call measure{.arguments = {"sensitivity", parent, "--data", "-", "--context", "64", "--windows", "1",
                                   "--imatrix", imatrix, "--out", table, "--threads", "1"},
                     .input = prose()};
  const Outcome measured = run_adder(measure);
  ASSERT_EQ(measured.status, 0) << measured.err;
  EXPECT_EQ(run_adder(measure).out, measured.out) << "all of it is there already";

  const std::vector<std::string> options = {"--size-limit", "2MB", "--sensitivity", table, "--imatrix", imatrix};
  std::vector<std::string> dry = {"quantize", parent, "--dry-run", "--json"}, wet = {"quantize", parent, planned};
  dry.insert(dry.end(), options.begin(), options.end());
  wet.insert(wet.end(), options.begin(), options.end());
  const Outcome plan = run_adder(dry);
  ASSERT_EQ(plan.status, 0) << plan.err;
  ASSERT_EQ(run_adder(wet).status, 0);
  EXPECT_LE(std::filesystem::file_size(planned), 2000000u);
  EXPECT_GT(std::filesystem::file_size(planned), 1800000u);
  EXPECT_GT(plan.json()["divergence"], 0);
  const Outcome compared = run_adder({.arguments = {"compare", parent, planned, "--data", "-", "--threads", "1",
                                                    "--context", "64", "--windows", "2", "--json"},
                                      .input = prose()});
  ASSERT_EQ(compared.status, 0) << compared.err;
  EXPECT_LT(compared.json()["kl"]["mean"], 0.01) << "nine bits a weight";

  const auto fails = [&](std::vector<std::string> arguments, int status, const std::string& reason) {
    arguments.insert(arguments.begin(), {"quantize", parent, "--dry-run"});
    const Outcome outcome = run_adder(arguments);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(reason));
  };
  fails({"--bpw", "5", "--sensitivity", table}, 2, "--imatrix");
  fails({"--bpw", "1", "--sensitivity", table, "--imatrix", imatrix}, 6, "the limit");
  fails({"--size-limit", "100", "--sensitivity", table, "--imatrix", imatrix}, 6, "metadata");
  fails({"--imatrix", parent}, 5, "imatrix");
  EXPECT_EQ(run_adder({"sensitivity", tiny_model(), "--data", parent, "--out", scratch() / "y.json"}).status, 2);
}

}  // namespace
}  // namespace adder
