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

TEST(Solve, AsksEveryProblem) {
  const std::string problems = scratch() / "problems.jsonl";
  std::string lines;
  for (int level = 0; level < 3; ++level)
    lines += R"({"task": "copying", "level": )" + std::to_string(level) + R"(, "prompt": "Say it: ", "answer": "it"})" +
             "\n";
  ASSERT_TRUE(write_file(problems, lines));
  const Outcome outcome = run_adder({"solve", tiny_model(), "--problems", problems, "--threads", "1", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["asked"], 3);
  EXPECT_EQ(outcome.json()["by_level"].size(), 3u);
  EXPECT_EQ(run_adder({"solve", tiny_model(), "--problems", "/nowhere.jsonl"}).status, 3);
  ASSERT_TRUE(write_file(problems, lines + "{\n"));
  const Outcome broken = run_adder({"solve", tiny_model(), "--problems", problems});
  EXPECT_EQ(broken.status, 4);
  EXPECT_THAT(broken.err, HasSubstr("problems.jsonl:4"));
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

/// Predictions in a file stand in for the model that made them, but for their sixteen bits.
TEST(Compare, TakesPredictionsFromAFile) {
  const std::string parent = scratch() / "parent.gguf", child = scratch() / "child.gguf", kld = scratch() / "x.kld";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", parent}).status, 0);
  ASSERT_EQ(run_adder({"quantize", parent, child, "--type", "q4_0"}).status, 0);
  const std::vector<std::string> text = {"--data", "-", "--context", "64", "--windows", "2", "--threads", "1"};
  const auto with = [](std::vector<std::string> arguments, const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Call{.arguments = arguments, .input = prose()};
  };
  const Outcome saved = run_adder(with({"perplexity", parent, "--save-logits", kld}, text));
  ASSERT_EQ(saved.status, 0) << saved.err;
  const auto from_model = run_adder(with({"compare", parent, child, "--json"}, text)).json();
  const Outcome from_file = run_adder({"compare", kld, child, "--threads", "1", "--json"});
  ASSERT_EQ(from_file.status, 0) << from_file.err;
  const double expected = from_model["kl"]["mean"];
  EXPECT_NEAR(from_file.json()["kl"]["mean"], expected, 1e-2 * expected);
  EXPECT_EQ(from_file.json()["child"], from_model["child"]);

  EXPECT_EQ(run_adder(with({"compare", kld, child}, text)).status, 2) << "the file has its own text";
  EXPECT_EQ(run_adder({"compare", parent, child}).status, 2) << "models have none";
  EXPECT_EQ(run_adder(with({"perplexity", parent, "--save-logits", kld, "--every-token"}, text)).status, 2);
}

TEST(Compare, ShowsTensorsAndSeveralChildren) {
  const std::string parent = scratch() / "parent.gguf", small = scratch() / "small.gguf", page = scratch() / "x.html";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", parent}).status, 0);
  ASSERT_EQ(run_adder({"quantize", parent, small, "--type", "q4_0"}).status, 0);
  const Outcome outcome = run_adder({.arguments = {"compare", parent, parent, small, "--data", "-", "--context", "64",
                                                   "--windows", "1", "--tensors", "--html", page, "--json"},
                                     .input = prose()});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto children = outcome.json()["children"];
  ASSERT_EQ(children.size(), 2u);
  EXPECT_TRUE(children[0]["tensors"].empty()) << "the parent itself";
  EXPECT_EQ(children[1]["tensors"][0]["child"], "Q4_0");
  EXPECT_NEAR(children[1]["tensors"][0]["error"], 0.085, 0.02) << "what four bits cost normal numbers";
  const std::string html = read_file(page).value();
  EXPECT_THAT(html, HasSubstr("best for its size"));
  EXPECT_THAT(html, HasSubstr("Change of each layer's input"));
  EXPECT_THAT(html, HasSubstr("Bits per weight"));
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
  fails({"--imatrix", imatrix, "--rounding", "compensated"}, 2, "--gram");
  fails({"--rounding", "compensated"}, 2, "--imatrix");
  EXPECT_EQ(run_adder({"sensitivity", tiny_model(), "--data", parent, "--out", scratch() / "y.json"}).status, 2);
}

/// Errors that make up for each other leave the model nearer to its parent, in a file of the same size.
TEST(Quantize, CompensatesByGramMatrices) {
  const std::string parent = scratch() / "whole.gguf", grams = scratch() / "g.imatrix";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", parent}).status, 0);
  const Outcome gathered = run_adder(
      {.arguments = {"imatrix", parent, "--data", "-", "--context", "64", "--gram", "256", "--out", grams, "--json"},
       .input = prose()});
  ASSERT_EQ(gathered.status, 0) << gathered.err;
  EXPECT_EQ(gathered.json()["gram_columns"], 256);
  const auto divergence_of = [&](const std::string& rounding) {
    const std::string child = scratch() / (rounding + ".gguf");
    const Outcome written =
        run_adder({"quantize", parent, child, "--type", "q4_0", "--imatrix", grams, "--rounding", rounding, "--json"});
    EXPECT_EQ(written.status, 0) << written.err;
    int compensated = 0;
    for (const auto document = written.json(); const auto& tensor : document["tensors"])
      compensated += tensor["compensated"] == true ? 1 : 0;
    EXPECT_EQ(compensated > 0, rounding == "compensated");
    return run_adder(
               {.arguments = {"compare", parent, child, "--data", "-", "--context", "64", "--kv-type", "f32", "--json"},
                .input = prose()})
        .json()["kl"]["mean"]
        .get<double>();
  };
  const double nearest = divergence_of("nearest"), compensated = divergence_of("compensated");
  EXPECT_LT(compensated, 0.9 * nearest);
  EXPECT_EQ(std::filesystem::file_size(scratch() / "nearest.gguf") / 1000,
            std::filesystem::file_size(scratch() / "compensated.gguf") / 1000);
  EXPECT_EQ(run_adder({"imatrix", parent, "--data", "-", "--gram", "100", "--out", grams}).status, 2);
}

/// Sixteen-bit states and keys and values of eight bits cost little, and a little more than nothing.
TEST(Compare, TypesOfWhatIsKeptMoveTheModelLittle) {
  const std::string parent = scratch() / "kept.gguf", logits = scratch() / "kept.kld";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", parent}).status, 0);
  ASSERT_EQ(run_adder({.arguments = {"perplexity", parent, "--data", "-", "--context", "128", "--kv-type", "f32",
                                     "--save-logits", logits},
                       .input = prose()})
                .status,
            0);
  const auto divergence = [&](const std::string& kv, const std::string& state) {
    const Outcome compared = run_adder({"compare", logits, parent, "--kv-type", kv, "--state-type", state, "--json"});
    EXPECT_EQ(compared.status, 0) << compared.err;
    const auto json = compared.json();
    return json["kl"]["mean"].get<double>();
  };
  const double none = divergence("f32", "f32"), keys = divergence("fp8", "f32"), states = divergence("f32", "bf16");
  EXPECT_GT(keys, none);
  EXPECT_LT(keys, 0.05);
  EXPECT_GT(states, none);
  EXPECT_LT(states, 0.05);
}

/// What quantize measured when it had written is what compare measures, and stays with the file.
TEST(Quantize, RecordsTheDivergenceInTheReceipt) {
  const std::string parent = scratch() / "whole.gguf", child = scratch() / "child.gguf";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", parent}).status, 0);
  std::string text;
  for (int i = 0; i < 4; ++i) text += prose();
  const Outcome written =
      run_adder({.arguments = {"quantize", parent, child, "--type", "q4_0", "--data", "-", "--windows", "1", "--json"},
                 .input = text});
  ASSERT_EQ(written.status, 0) << written.err;
  const double kl = written.json()["divergence"]["kl"]["mean"];
  const auto compared =
      run_adder({.arguments = {"compare", parent, child, "--data", "-", "--windows", "1", "--kv-type", "f32", "--json"},
                 .input = text});
  EXPECT_EQ(compared.json()["kl"]["mean"], kl);
  const Outcome verified = run_adder({"verify", child, "--json"});
  ASSERT_EQ(verified.status, 0) << verified.err;
  const auto receipt = verified.json()["receipt"];
  EXPECT_NEAR(receipt["divergence"]["kl"], kl, 1e-6 * kl);
  EXPECT_EQ(receipt["divergence"]["tokens"], 255);
  EXPECT_THAT(run_adder({"verify", child}).out, HasSubstr("nats per token, measured on 255 tokens"));
}

/// A table of one shape of the family plans another.
TEST(Planner, TransfersByRole) {
  const std::string small = scratch() / "small.gguf", large = scratch() / "large.gguf",
                    table = scratch() / "roles.json";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", small}).status, 0);
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "bf16", "--seed", "3", large}).status, 0);
  ASSERT_EQ(run_adder({.arguments = {"sensitivity", small, "--data", "-", "--context", "64", "--windows", "1", "--out",
                                     table},
                       .input = prose()})
                .status,
            0);
  const std::vector<std::string> plan = {"quantize", large, "--dry-run",     "--json",
                                         "--bpw",    "5.5", "--sensitivity", table};
  EXPECT_EQ(run_adder(plan).status, 2) << "of another model";
  auto by_role = plan;
  by_role.push_back("--by-role");
  const Outcome planned = run_adder(by_role);
  ASSERT_EQ(planned.status, 0) << planned.err;
  EXPECT_LE(planned.json()["bits_per_weight"], 5.5);
  EXPECT_GT(planned.json()["bits_per_weight"], 4.5);
}

}  // namespace
}  // namespace adder
