#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/atomic_file.h"
#include "program.h"

namespace adder {
namespace {

using testing::HasSubstr;

/// The small model as a directory in BF16, made once.
const std::string& parent() {
  static const std::string path = [] {
    const std::string directory = scratch() / "parent";
    const Outcome made = run_adder({"synth", "--preset", "tiny", "--type", "bf16", "--hf", directory});
    EXPECT_EQ(made.status, 0) << made.err;
    return directory;
  }();
  return path;
}

std::string samples() {
  const std::string path = scratch() / "samples.jsonl";
  EXPECT_TRUE(write_file(path, "{\"text\": \"a few words\"}\n\n{\"text\": \"and some more\", \"id\": 2}\n"));
  return path;
}

TEST(Fp8, ADirectoryIsMadeAndEveryCommandTakesIt) {
  const std::string fp8 = scratch() / "fp8";
  const Outcome made =
      run_adder({"quantize", parent(), fp8, "--type", "fp8", "--calib", samples(), "--fp8-kv", "calibrated", "--json"});
  ASSERT_EQ(made.status, 0) << made.err;
  const nlohmann::json report = made.json();
  EXPECT_EQ(report["samples"], 2);
  EXPECT_EQ(report["policy"], "selective");
  int scales = 0;
  for (const auto& tensor : report["tensors"]) scales += tensor["to"] == "F8_E4M3" && tensor["input_scale"] > 0;
  EXPECT_EQ(scales, 12);

  const Outcome run = run_adder({"run", fp8, "-p", "a few", "-n", "8", "--ignore-eos"});
  EXPECT_EQ(run.status, 0) << run.err;
  // Its scales are for keys and values in FP8, but only who asks gets them.
  const auto ids = [&](const std::string& kv_type) {
    const Outcome logits = run_adder({"logits", fp8, "--tokens", "3,5,7,11,13,17,19", "--kv-type", kv_type, "--json",
                                      "--out", scratch() / ("logits-" + kv_type)});
    EXPECT_EQ(logits.status, 0) << logits.err;
    return read_file(scratch() / ("logits-" + kv_type)).value();
  };
  EXPECT_NE(ids("fp8"), ids("f16"));
  const auto inspected = run_adder({"inspect", fp8, "--json"}).json();
  EXPECT_EQ(inspected["tensor_bytes"], report["bytes_out"]);
  const Outcome verified = run_adder({"verify", fp8});
  EXPECT_EQ(verified.status, 0) << verified.out;
  EXPECT_THAT(verified.out,
              HasSubstr("quantize --type fp8 --fp8-policy selective --calibrator amax --fp8-kv calibrated"));
  EXPECT_THAT(verified.out, HasSubstr("every bit as it was written"));

  const auto difference = run_adder({"diff", parent(), fp8, "--values", "--json"}).json();
  EXPECT_EQ(difference["tensors"].size(), 12u);
  for (const auto& tensor : difference["tensors"]) {
    EXPECT_GT(tensor["relative_rms"], 0.01) << tensor;
    EXPECT_LT(tensor["relative_rms"], 0.04) << tensor;  // E4M3 rounds a Gaussian by 3.3 per cent, docs/numerics.md
  }
}

/// A synthetic one is the synthetic one in BF16, rounded.
TEST(Fp8, SynthWritesADirectory) {
  const std::string fp8 = scratch() / "synth-fp8";
  const Outcome made = run_adder({"synth", "--preset", "tiny", "--type", "fp8", "--hf", fp8});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("random, fp8"));
  const Outcome verified = run_adder({"verify", fp8});
  EXPECT_EQ(verified.status, 0) << verified.out;
  EXPECT_THAT(verified.out, HasSubstr("synth tiny --seed 0 --type fp8 --fp8-policy selective --hf"));
  EXPECT_EQ(run_adder({"run", fp8, "-p", "a few", "-n", "4", "--ignore-eos"}).status, 0);
  const auto difference = run_adder({"diff", parent(), fp8, "--values", "--json"}).json();
  EXPECT_EQ(difference["tensors"].size(), 12u);
  for (const auto& tensor : difference["tensors"]) {
    EXPECT_GT(tensor["relative_rms"], 0.01) << tensor;
    EXPECT_LT(tensor["relative_rms"], 0.04) << tensor;
  }
  const Outcome refused = run_adder({"synth", "--preset", "tiny", "--type", "fp8", scratch() / "no.gguf"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("GGUF has no FP8"));
}

TEST(Fp8, GgufTakesItAsAnotherType) {
  const std::string fp8 = scratch() / "fp8-to-gguf", gguf = scratch() / "from-fp8.gguf", copy = scratch() / "fp8-copy";
  ASSERT_EQ(run_adder({"quantize", parent(), fp8, "--type", "FP8", "--calib", samples()}).status, 0);
  const Outcome refused = run_adder({"convert", fp8, gguf});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("is F8_E4M3, which GGUF does not hold; say with --type"));
  const Outcome converted = run_adder({"convert", fp8, gguf, "--type", "f32"});
  EXPECT_EQ(converted.status, 0) << converted.err;
  EXPECT_EQ(run_adder({"diff", fp8, gguf, "--values"}).status, 0);
  EXPECT_EQ(run_adder({"quantize", fp8, scratch() / "q8.gguf", "--type", "q8_0"}).status, 0);
  EXPECT_EQ(run_adder({"convert", fp8, copy}).status, 0);
  EXPECT_EQ(run_adder({"diff", fp8, copy}).status, 0);
}

TEST(Fp8, ASweepDrawsItsCurve) {
  const std::string page = scratch() / "sweep.html";
  const Outcome swept =
      run_adder({"quantize", parent(), page, "--type", "fp8", "--calib", samples(), "--sweep", "--json"});
  ASSERT_EQ(swept.status, 0) << swept.err;
  const auto report = swept.json();
  ASSERT_EQ(report["configurations"].size(), 12u);
  EXPECT_EQ(report["configurations"][0]["name"], "all");
  double attention = 0, layers = 0;
  for (const auto& point : report["configurations"]) {
    EXPECT_GT(point["kl"], 0) << point;
    if (point["name"] == "attention alone") attention = point["kl"];
    if (point["name"] == "layers") layers = point["kl"];
  }
  EXPECT_LT(attention, layers);
  EXPECT_THAT(*read_file(page), HasSubstr("<svg"));
}

TEST(Fp8, RefusalsSayWhatIsMissing) {
  const std::string out = scratch() / "none";
  const auto refusal = [&](std::vector<std::string> more, int status) {
    std::vector<std::string> arguments = {"quantize", parent(), out, "--type", "fp8"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_adder(arguments);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(out));
    return outcome.err;
  };
  EXPECT_THAT(refusal({}, 2), HasSubstr("--calib FILE is required"));
  const std::string bad = scratch() / "bad.jsonl";
  ASSERT_TRUE(write_file(bad, "{\"text\": \"fine\"}\n{\"words\": 1}\n"));
  EXPECT_THAT(refusal({"--calib", bad}, 4), HasSubstr("bad.jsonl:2: expected an object with a text \"text\""));
  ASSERT_TRUE(write_file(bad, "{\"text\": \n"));
  EXPECT_THAT(refusal({"--calib", bad}, 4), HasSubstr("bad.jsonl:1"));
  EXPECT_THAT(refusal({"--calib", samples(), "--fp8-policy", "some"}, 2), HasSubstr("--fp8-policy"));
  EXPECT_THAT(refusal({"--calib", samples(), "--dry-run"}, 2), HasSubstr("--dry-run"));
  EXPECT_THAT(refusal({"--calib", samples(), "--data", samples()}, 2), HasSubstr("--data"));
  const Outcome other =
      run_adder({"quantize", parent(), scratch() / "none.gguf", "--type", "q8_0", "--calib", samples()});
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.err, HasSubstr("are for --type fp8"));
  const Outcome gguf = run_adder({"quantize", parent(), scratch() / "x.gguf", "--type", "fp8", "--calib", samples()});
  EXPECT_EQ(gguf.status, 2);
  EXPECT_THAT(gguf.err, HasSubstr("GGUF has no FP8"));
}

}  // namespace
}  // namespace adder
