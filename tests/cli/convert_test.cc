#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/atomic_file.h"
#include "core/formats/gguf.h"
#include "program.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string& tiny_directory() {
  static const std::string path = [] {
    const std::string target = scratch() / "convert-hf";
    const Outcome made = run_adder({"synth", "--preset", "tiny", "--type", "bf16", "--hf", target});
    EXPECT_EQ(made.status, 0) << made.err;
    return target;
  }();
  return path;
}

/// 18 million parameters in F32, no tensor larger than 4.8 MB.
const std::string& many_tensors() {
  static const std::string path = [] {
    const std::string config = scratch() / "many.json", target = scratch() / "many.gguf";
    EXPECT_TRUE(
        write_file(config, R"({"model_type": "nemotron_h", "hybrid_override_pattern": "M-----*--", "hidden_size": 512,
                    "vocab_size": 1024, "intermediate_size": 2304, "num_attention_heads": 4, "num_key_value_heads": 2,
                    "head_dim": 32, "mamba_num_heads": 8, "mamba_head_dim": 16, "ssm_state_size": 16, "n_groups": 2,
                    "conv_kernel": 4, "layer_norm_epsilon": 1e-5, "max_position_embeddings": 512})"));
    const Outcome made = run_adder({"synth", "--config", config, "--type", "f32", target});
    EXPECT_EQ(made.status, 0) << made.err;
    return target;
  }();
  return path;
}

using Contents = std::map<std::string, std::string>;

/// What lies in a folder, by name, files with their bytes.
Contents contents(const fs::path& folder) {
  Contents files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    files[fs::relative(entry.path(), folder)] = entry.is_regular_file() ? *read_file(entry.path()) : "a directory";
  return files;
}

TEST(Convert, ADirectoryComesBackFromGguf) {
  const std::string gguf = scratch() / "there.gguf", back = scratch() / "back";
  const Outcome there = run_adder({"convert", tiny_directory(), gguf});
  ASSERT_EQ(there.status, 0) << there.err;
  EXPECT_THAT(there.out, HasSubstr("tensors come back to the bit\n" + gguf + "\n"));
  const Outcome here = run_adder({"convert", gguf, back, "--json"});
  ASSERT_EQ(here.status, 0) << here.err;
  const nlohmann::json report = here.json();
  for (const auto& tensor : report["tensors"]) EXPECT_EQ(tensor["changed"], 0) << tensor;
  const auto before = contents(tiny_directory()), after = contents(back);
  EXPECT_EQ(before.at("model.safetensors"), after.at("model.safetensors"));
  EXPECT_EQ(before.at("tokenizer.json"), after.at("tokenizer.json"));
  EXPECT_EQ(before.at("config.json"), after.at("config.json"));
  const Outcome same = run_adder({"diff", tiny_directory(), back});
  EXPECT_EQ(same.status, 0) << same.out;
  for (const std::string& model : {tiny_directory(), gguf, back}) {
    const Outcome verified = run_adder({"verify", model});
    EXPECT_EQ(verified.status, 0) << verified.err;
    EXPECT_THAT(verified.out, HasSubstr("every bit as it was written"));
  }
  const auto receipt = run_adder({"verify", back, "--json"}).json()["receipt"];
  ASSERT_EQ(receipt["steps"].size(), 3u);
  EXPECT_EQ(receipt["steps"][0]["recipe"], "synth tiny --seed 0 --type bf16 --hf");
  EXPECT_EQ(receipt["steps"][2]["source"], run_adder({"verify", gguf, "--json"}).json()["model_hash"]);
}

TEST(Convert, SplitFilesAreOneModelToEveryCommand) {
  const Outcome split = run_adder({"convert", tiny_model(), scratch() / "parts.gguf", "--split", "500kB", "--json"});
  ASSERT_EQ(split.status, 0) << split.err;
  const auto files = split.json()["out"];
  ASSERT_GE(files.size(), 2u);
  const std::string first = files[0], second = files[1], joined = scratch() / "joined.gguf";
  EXPECT_THAT(first, HasSubstr(fmt::format("parts-00001-of-{:05}.gguf", files.size())));
  EXPECT_EQ(run_adder({"run", first, "-p", "x", "-n", "2"}).status, 0);
  EXPECT_EQ(run_adder({"verify", first}).status, 0);
  ASSERT_EQ(run_adder({"convert", first, joined}).status, 0);
  EXPECT_EQ(run_adder({"diff", tiny_model(), joined}).status, 0);
  EXPECT_EQ(run_adder({"inspect", second}).status, 2);
  fs::remove(second);
  const Outcome missing = run_adder({"inspect", first});
  EXPECT_EQ(missing.status, 3);
  EXPECT_THAT(missing.err, HasSubstr(second));
}

TEST(Verify, OneBitIsFoundAndNamed) {
  std::string bytes = *read_file(tiny_model());
  const auto gguf = Gguf::parse(std::as_bytes(std::span(bytes)), "tiny");
  ASSERT_TRUE(gguf.has_value() && gguf->find_tensor("blk.1.ffn_down.weight") != nullptr);
  const TensorView& tensor = *gguf->find_tensor("blk.1.ffn_down.weight");
  bytes[static_cast<size_t>(tensor.data - gguf->bytes().data()) + 1000] ^= 0x10;
  const std::string spoiled = scratch() / "flipped.gguf";
  ASSERT_TRUE(write_file(spoiled, bytes));
  const Outcome outcome = run_adder({"verify", spoiled});
  EXPECT_EQ(outcome.status, 4);
  EXPECT_THAT(outcome.out, HasSubstr("damaged: tensor blk.1.ffn_down.weight"));
  EXPECT_THAT(outcome.err, HasSubstr("tensor blk.1.ffn_down.weight"));
  EXPECT_EQ(run_adder({"verify", spoiled, "--json"}).json()["damage"].size(), 1u);
}

TEST(Verify, SaysWhatItCouldCheckWithoutAReceipt) {
  const std::string directory = scratch() / "bare";
  fs::copy(tiny_directory(), directory);
  fs::remove(fs::path(directory) / "adder-receipt.json");
  const Outcome outcome = run_adder({"verify", directory});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("no receipt"));
}

TEST(Diff, EndsWithOneAndTellsWhatDiffers) {
  const std::string q8 = scratch() / "diff-q8.gguf", f32 = scratch() / "diff-f32.gguf";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", f32}).status, 0);
  ASSERT_EQ(run_adder({"quantize", f32, q8, "--type", "q8_0"}).status, 0);
  const Outcome text = run_adder({"diff", f32, q8});
  EXPECT_EQ(text.status, 1);
  EXPECT_THAT(text.err, IsEmpty());
  EXPECT_THAT(text.out, HasSubstr("metadata general.file_type: 0 | 7\n"));
  const auto report = run_adder({"diff", f32, q8, "--json"}).json();
  EXPECT_EQ(report["same"], false);
  EXPECT_THAT(report["config"], IsEmpty());
  for (const auto& tensor : report["tensors"]) {
    EXPECT_EQ(tensor["b"]["type"], "Q8_0");
    EXPECT_GT(tensor["relative_rms"], 0.001);  // 8 bits: about 1 / (127 sqrt(12)) of a block's largest
    EXPECT_LT(tensor["relative_rms"], 0.01);
  }
  EXPECT_EQ(run_adder({"diff", f32, scratch() / "nothing.gguf"}).status, 3);
}

/// The disk is full after 1 MB or, in the middle of the first text, after 1 kB: the old model stays, and nothing else.
TEST(Publication, AFullDiskLeavesTheOldModel) {
  const std::string gguf = scratch() / "full/old.gguf", directory = scratch() / "full/old",
                    filled = scratch() / "full/filled";
  fs::create_directories(filled);
  ASSERT_TRUE(write_file(fs::path(filled) / "notes.txt", "mine"));
  ASSERT_EQ(run_adder({"convert", tiny_directory(), gguf}).status, 0);
  ASSERT_EQ(run_adder({"convert", tiny_directory(), directory}).status, 0);
  const auto before = contents(scratch() / "full");
  for (const std::vector<std::string>& command : {std::vector<std::string>{"convert", tiny_directory(), gguf},
                                                  {"convert", tiny_directory(), directory},
                                                  {"convert", tiny_directory(), scratch() / "full/new"},
                                                  {"convert", tiny_directory(), filled},
                                                  {"convert", gguf, scratch() / "full/new.gguf", "--split", "2MB"},
                                                  {"quantize", tiny_directory(), gguf, "--type", "f16"}}) {
    for (const size_t room : {1'000'000, 1000}) {
      const Outcome outcome = run_adder({.arguments = command, .largest_file = room});
      EXPECT_EQ(outcome.status, 1) << outcome.err;
      EXPECT_THAT(outcome.err, HasSubstr("cannot write"));
      EXPECT_TRUE(contents(scratch() / "full") == before) << testing::PrintToString(command);
    }
  }
}

/// Starts a conversion, waits until its hidden output is there, and kills it.
void kill_in_the_middle(const std::string& from, const fs::path& to) {
  const std::string script = scratch() / "kill.sh";
  ASSERT_TRUE(write_file(script,
                         "\"$ADDER_BINARY\" convert \"$1\" \"$2/$3\" >/dev/null 2>&1 & pid=$!\n"
                         "while [ ! -e \"$2/.$3.adder-$pid\" ] && kill -0 $pid 2>/dev/null; do :; done\n"
                         "kill -9 $pid 2>/dev/null; wait $pid 2>/dev/null; exit 0\n"));
  const std::string line = fmt::format("bash '{}' '{}' '{}' '{}' 2>/dev/null", script, from, to.parent_path().string(),
                                       to.filename().string());
  ASSERT_EQ(std::system(line.c_str()), 0);
}

TEST(Publication, AKillLeavesTheOldModelOrTheNewOne) {
  const fs::path folder = scratch() / "kill";
  fs::create_directories(folder);
  for (const std::string name : {"m.gguf", "directory"}) {
    const fs::path target = folder / name;
    kill_in_the_middle(many_tensors(), target);
    if (fs::exists(target)) {
      EXPECT_EQ(run_adder({"verify", target}).status, 0) << "new, so it must be whole";
    }
    fs::remove_all(target);
    ASSERT_EQ(run_adder({"convert", tiny_directory(), target}).status, 0);
    for (int i = 0; i < 3; ++i) {
      kill_in_the_middle(many_tensors(), target);
      const Outcome verified = run_adder({"verify", target, "--json"});
      ASSERT_EQ(verified.status, 0) << verified.err;
    }
  }
}

/// Kills at moments from the start of the program to beyond its end: a new directory is there whole or not at all, one
/// that is replaced is the old model or the new one to the bit, and what else lies in it stays.
TEST(Publication, AKillAtAnyMomentLeavesAWholeDirectory) {
  const fs::path folder = scratch() / "moments", target = folder / "model";
  const std::string other = scratch() / "other-hf";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "bf16", "--seed", "1", "--hf", other}).status, 0);
  fs::create_directories(folder);
  std::vector<Contents> whole;
  double seconds = 0;
  for (const std::string& model : {tiny_directory(), other}) {
    const Outcome outcome = run_adder({"convert", model, target});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    seconds = std::max(seconds, outcome.seconds);
    whole.push_back(contents(target));
    fs::remove_all(target);
  }
  constexpr int kMoments = 25;
  for (const bool replaces : {false, true}) {
    int killed = 0, half_done = 0;
    for (int i = 0; i < kMoments; ++i) {
      if (replaces && i == 0) {
        ASSERT_EQ(run_adder({"convert", other, target}).status, 0);
        fs::create_directories(target / "logs");
        ASSERT_TRUE(write_file(target / "logs/1.txt", "mine"));
        for (Contents& files : whole) files.insert({{"logs", "a directory"}, {"logs/1.txt", "mine"}});
      }
      const std::chrono::duration<double> moment(1.2 * seconds * (i + 0.5) / kMoments);
      const Outcome outcome = run_adder({.arguments = {"convert", i % 2 == 0 ? tiny_directory() : other, target},
                                         .kill_after = std::chrono::duration_cast<std::chrono::microseconds>(moment)});
      killed += outcome.status == 128 + SIGKILL ? 1 : 0;
      if (replaces || fs::exists(target)) {
        const Contents found = contents(target);
        EXPECT_TRUE(found == whole[0] || found == whole[1]) << "killed after " << moment.count() << " s";
      }
      if (!replaces) fs::remove_all(target);
      for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.path() == target) continue;
        ++half_done;
        fs::remove_all(entry.path());
      }
    }
    EXPECT_GT(killed, 0);
    EXPECT_GT(half_done, 0) << "no kill came while the directory was written";
  }
}

/// 72 MB pass through; resident are some MB more than for a model of 5 MB.
TEST(Convert, TensorsStreamThroughLittleMemory) {
  const fs::path small = scratch() / "small.gguf", target = scratch() / "stream";
  ASSERT_EQ(run_adder({"convert", tiny_directory(), small}).status, 0);
  for (const std::vector<std::string>& how : {std::vector<std::string>{".gguf"}, {""}, {".gguf", "--type", "bf16"}}) {
    std::vector<std::string> command = {"convert", small, target.string() + "-small" + how[0]};
    command.insert(command.end(), how.begin() + 1, how.end());
    const int64_t least = run_adder(command).peak_bytes;
    command[1] = many_tensors();
    command[2] = target.string() + how[0];
    const Outcome outcome = run_adder(command);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_LT(outcome.peak_bytes - least, 32'000'000) << testing::PrintToString(how);
    EXPECT_GT(fs::file_size(many_tensors()), 70'000'000u);
  }
}

}  // namespace
}  // namespace adder
