#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/atomic_file.h"
#include "program.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string words() {
  std::string text;
  for (int i = 0; i < 400; ++i) text += fmt::format("the {} of {} and ", i * 37 % 101, i % 13);
  return text;
}

/// A parent and its scores, made once.
struct Parent {
  std::string model = scratch() / "parent.gguf", scores = scratch() / "scores.json", page = scratch() / "scores.html";

  Call importance(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"importance", model,  "--data",    "-", "--context",      "64",
                                          "--windows",  "3",    "--rank",    "2", "--rank-windows", "1",
                                          "--out",      scores, "--threads", "1", "--html",         page};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return {.arguments = arguments, .input = words()};
  }
};
const Parent& parent() {
  static const Parent made = [] {
    Parent p;
    EXPECT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", p.model}).status, 0);
    const Outcome scored = run_adder(p.importance());
    EXPECT_EQ(scored.status, 0) << scored.err;
    return p;
  }();
  return made;
}

double divergence(const std::string& a, const std::string& b) {
  const Outcome compared = run_adder(
      {.arguments = {"compare", a, b, "--data", "-", "--threads", "1", "--context", "64", "--windows", "2", "--json"},
       .input = words()});
  EXPECT_EQ(compared.status, 0) << compared.err;
  return compared.json()["kl"]["mean"];
}

TEST(Importance, ScoresEveryAxisAndRanksLayers) {
  const auto scores = nlohmann::json::parse(*read_file(parent().scores));
  EXPECT_EQ(scores["d_model"].size(), 160u);
  EXPECT_EQ(scores["layers"][1]["d_ff"].size(), 512u);
  EXPECT_EQ(scores["layers"][0]["mamba"].size(), 256u);
  EXPECT_EQ(scores["layers"][3]["attention_heads"].size(), 8u);
  EXPECT_EQ(scores["ranking"]["drop_list"].size(), 2u);
  EXPECT_THAT(*read_file(parent().page), HasSubstr("<svg"));
}

TEST(Importance, GoesOnFromWhatIsThereAndRefusesAnothersScores) {
  const std::string before = *read_file(parent().scores);
  const Outcome again = run_adder(parent().importance());
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(*read_file(parent().scores), before);
  EXPECT_THAT(again.out, HasSubstr("Layers in the order they would go"));

  const Outcome other_reading = run_adder(parent().importance({"--ffn", "before"}));
  EXPECT_EQ(other_reading.status, 2);
  EXPECT_THAT(other_reading.err, HasSubstr("--ffn"));
  const Outcome too_many = run_adder(parent().importance({"--rank", "9"}));
  EXPECT_EQ(too_many.status, 2);
  EXPECT_EQ(*read_file(parent().scores), before);
}

TEST(Slice, FromScoresToAChildThatRuns) {
  const std::string child = scratch() / "cut.gguf", directory = scratch() / "cut-hf";
  const std::vector<std::string> how = {"--scores", parent().scores, "--budget", "45%", "--align", "16", "--json"};
  std::vector<std::string> dry = {"slice", parent().model, "--dry-run"}, wet = {"slice", parent().model, child};
  dry.insert(dry.end(), how.begin(), how.end());
  wet.insert(wet.end(), how.begin(), how.end());
  const Outcome planned = run_adder(dry);
  ASSERT_EQ(planned.status, 0) << planned.err;
  EXPECT_FALSE(fs::exists(child));
  const Outcome cut = run_adder(wet);
  ASSERT_EQ(cut.status, 0) << cut.err;
  EXPECT_EQ(cut.json()["child"], planned.json()["child"]);
  EXPECT_NEAR(cut.json()["share"], 0.45, 0.0025);
  const auto inspected = run_adder({"inspect", child, "--json"}).json();
  EXPECT_EQ(inspected["parameters"], cut.json()["child"]["parameters"]);
  EXPECT_EQ(run_adder({"verify", child}).status, 0);
  EXPECT_EQ(run_adder({"run", child, "-p", "x", "-n", "4"}).status, 0);
  const auto steps = run_adder({"verify", child, "--json"}).json()["receipt"]["steps"];
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_THAT(steps[1]["recipe"].get<std::string>(), testing::StartsWith("slice --child {\"d_model\":"));
  EXPECT_EQ(steps[1]["source"], run_adder({"verify", parent().model, "--json"}).json()["model_hash"]);

  wet[2] = directory;
  ASSERT_EQ(run_adder(wet).status, 0);
  EXPECT_EQ(run_adder({"verify", directory}).status, 0);
  const std::string again = scratch() / "child-again.gguf";
  ASSERT_EQ(run_adder({"convert", directory, again}).status, 0);
  EXPECT_LT(divergence(child, again), 1e-9) << "A goes through exp and log";
}

TEST(Slice, ANestedParentSaysTheSameAndItsPrefixIsTheChild) {
  const std::string nested = scratch() / "nested-hf", one = scratch() / "one.gguf", two = scratch() / "two.gguf";
  const std::string shape = scratch() / "child.json";
  ASSERT_TRUE(write_file(shape, R"({"d_model": 96, "d_ff": 256, "mamba_heads": 12, "drop_layers": [1]})"));
  ASSERT_EQ(run_adder({"slice", parent().model, nested, "--scores", parent().scores, "--order"}).status, 0);
  EXPECT_LT(divergence(parent().model, nested), 1e-9);
  ASSERT_EQ(run_adder({"slice", nested, one, "--child", shape}).status, 0);
  ASSERT_EQ(run_adder({"slice", parent().model, two, "--scores", parent().scores, "--child", shape}).status, 0);
  EXPECT_LT(divergence(one, two), 1e-9);
  EXPECT_GT(divergence(parent().model, two), 1e-3);
  const Outcome shallow = run_adder({"slice", nested, "--dry-run", "--layers", "6", "--json"});
  ASSERT_EQ(shallow.status, 0) << shallow.err;
  EXPECT_EQ(shallow.json()["pattern"].get<std::string>().size(), 6u);
}

TEST(Slice, WhatMakesNoSenseIsRefused) {
  const std::string foreign = scratch() / "foreign.gguf";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", "--seed", "5", foreign}).status, 0);
  const auto fails = [&](std::vector<std::string> arguments, const std::string& reason) {
    arguments.insert(arguments.begin(), {"slice", parent().model, scratch() / "never.gguf"});
    const Outcome outcome = run_adder(arguments);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(reason));
    EXPECT_FALSE(fs::exists(scratch() / "never.gguf"));
  };
  const std::string& scores = parent().scores;
  fails({}, "which child?");
  fails({"--scores", scores}, "which child?");
  fails({"--d-model", "96"}, "--scores or --random");
  fails({"--scores", scores, "--d-model", "160"}, "nothing was cut");
  fails({"--scores", scores, "--budget", "100%"}, "nothing was cut");
  fails({"--scores", scores, "--budget", "0%"}, "--budget 0%");
  fails({"--scores", scores, "--budget", "45 %"}, "expected a share like 45%");
  fails({"--scores", scores, "--budget", "1%"}, "smallest shape");
  fails({"--scores", scores, "--budget", "45%", "--d-ff", "128"}, "--budget finds");
  fails({"--scores", scores, "--random", "1", "--d-ff", "128"}, "exclude each other");
  fails({"--scores", scores, "--d-ff", "200", "--align", "64"}, "192 and 256 are");
  fails({"--scores", scores, "--mamba-heads", "10"}, "no multiple of the 4 groups");
  fails({"--scores", scores, "--layers", "4"}, "2 are ranked");
  fails({"--scores", scores, "--layers", "9"}, "the model has 8");
  fails({"--drop", "8"}, "layer 8");
  fails({"--size", "small"}, "no sizes with names");
  fails({"--order"}, "--scores or --random");
  const Outcome outcome = run_adder({"slice", foreign, "--dry-run", "--scores", scores, "--d-ff", "128"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("another model"));
}

/// 72 MB of parent, no tensor above 4.8 MB, pass through in little more than a model of 5 MB takes.
TEST(Slice, TensorsStreamThroughLittleMemory) {
  const std::string config = scratch() / "many.json", many = scratch() / "many-parent.gguf";
  ASSERT_TRUE(
      write_file(config, R"({"model_type": "nemotron_h", "hybrid_override_pattern": "M-----*--", "hidden_size": 512,
                  "vocab_size": 1024, "intermediate_size": 2304, "num_attention_heads": 4, "num_key_value_heads": 2,
                  "head_dim": 32, "mamba_num_heads": 8, "mamba_head_dim": 16, "ssm_state_size": 16, "n_groups": 2,
                  "conv_kernel": 4, "layer_norm_epsilon": 1e-5, "max_position_embeddings": 512})"));
  ASSERT_EQ(run_adder({"synth", "--config", config, "--type", "f32", many}).status, 0);
  const auto peak = [](const std::string& model, const std::string& out) {
    const Outcome cut = run_adder({"slice", model, out, "--random", "1", "--d-model", "128", "--d-ff", "256"});
    EXPECT_EQ(cut.status, 0) << cut.err;
    return cut.peak_bytes;
  };
  const int64_t least = peak(parent().model, scratch() / "little.gguf");
  EXPECT_LT(peak(many, scratch() / "little-of-many.gguf") - least, 24'000'000);
}

TEST(Nest, AFamilyInOneFile) {
  const std::string ordered = scratch() / "ordered.gguf", q8 = scratch() / "ordered-q8.gguf";
  const std::string family = scratch() / "family.gguf", small = scratch() / "family-small.json";
  const std::string alone = scratch() / "alone.gguf", again = scratch() / "again.gguf";
  ASSERT_TRUE(write_file(small, R"({"d_model": 96, "d_ff": 256, "mamba_heads": 8, "drop_layers": [1]})"));
  ASSERT_EQ(run_adder({"slice", parent().model, ordered, "--scores", parent().scores, "--order"}).status, 0);
  ASSERT_EQ(run_adder({"quantize", ordered, q8, "--type", "q8_0"}).status, 0);
  EXPECT_EQ(run_adder({"nest", q8, family}).status, 2) << "no child has a name";
  const Outcome nested = run_adder({"nest", q8, family, "small=" + small, "--json"});
  ASSERT_EQ(nested.status, 0) << nested.err;
  const auto sizes = nested.json()["sizes"];
  ASSERT_EQ(sizes.size(), 2u);
  EXPECT_EQ(sizes[0]["name"], "small");
  EXPECT_EQ(sizes[1]["name"], "full");

  ASSERT_EQ(run_adder({"slice", q8, alone, "--child", small}).status, 0);
  ASSERT_EQ(run_adder({"slice", family, again, "--child", small}).status, 0);
  EXPECT_EQ(run_adder({"diff", alone, again}).status, 0);
  const auto answer = [](std::vector<std::string> model) {
    model.insert(model.begin(), "run");
    for (const char* const more : {"-p", "x", "-n", "20", "--temp", "0", "--ignore-eos"}) model.emplace_back(more);
    const Outcome ran = run_adder(model);
    EXPECT_EQ(ran.status, 0) << ran.err;
    return ran.out;
  };
  EXPECT_EQ(answer({family, "--size", "small"}), answer({alone}));
  EXPECT_EQ(answer({family, "--size", "full"}), answer({q8}));

  EXPECT_THAT(run_adder({"run", family, "-p", "x"}).err, HasSubstr("small, full"));
  EXPECT_EQ(run_adder({"run", q8, "-p", "x", "--size", "small"}).status, 2);
  EXPECT_EQ(run_adder({"verify", family}).status, 0);
  EXPECT_THAT(run_adder({"inspect", family}).out, HasSubstr("small ("));
  const auto whole = run_adder({"inspect", family, "--json"}).json(),
             part = run_adder({"inspect", alone, "--json"}).json();
  EXPECT_EQ(whole["parameters"], sizes[1]["parameters"]);
  EXPECT_EQ(part["parameters"], sizes[0]["parameters"]);
  EXPECT_EQ(part["tensor_bytes"], sizes[0]["bytes"]);
  const auto bytes = [](std::vector<std::string> model) {
    model.insert(model.begin(), "plan");
    model.emplace_back("--json");
    return run_adder(model).json()["total_bytes"].get<double>();
  };
  EXPECT_LT(bytes({family, "--size", "small"}), 1.05 * bytes({alone}));
}

}  // namespace
}  // namespace adder
