#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/atomic_file.h"
#include "core/formats/gguf.h"
#include "core/formats/gguf_writer.h"
#include "core/formats/hf_directory.h"
#include "program.h"

namespace adder {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string file_with(const std::string& name, std::string_view bytes) {
  const std::string path = scratch() / name;
  EXPECT_TRUE(write_file(path, bytes));
  return path;
}

/// Commands that open a model; each must say the same about a file that is none.
std::vector<std::vector<std::string>> opening(const std::string& model) {
  return {{"run", model, "-p", "x"},
          {"inspect", model},
          {"inspect", model, "--json"},
          {"tokenize", model, "-p", "x"},
          {"bench", model, "--prompt", "4", "--generate", "1"},
          {"logits", model, "--tokens", "1", "--out", scratch() / "none.f32"},
          {"quantize", model, scratch() / "none.gguf"},
          {"convert", model, scratch() / "none.gguf"},
          {"verify", model},
          {"diff", model, model}};
}

void expect_all(const std::string& model, int status) {
  for (const auto& arguments : opening(model)) {
    const Outcome outcome = run_adder(arguments);
    const std::string line = testing::PrintToString(arguments);
    EXPECT_EQ(outcome.status, status) << line << outcome.err;
    EXPECT_THAT(outcome.out, IsEmpty()) << line;
    EXPECT_THAT(outcome.err, HasSubstr(model)) << line;
  }
  EXPECT_FALSE(std::filesystem::exists(scratch() / "none.f32"));
  EXPECT_FALSE(std::filesystem::exists(scratch() / "none.gguf"));
}

TEST(BadFile, MissingIsThree) {
  expect_all(scratch() / "missing.gguf", 3);
}

TEST(BadFile, GarbageIsFour) {
  expect_all(file_with("garbage.gguf", std::string("GGUF\3\0\0\0", 8) + "and then nothing that makes sense"), 4);
}

TEST(BadFile, TruncatedIsFour) {
  const auto whole = read_file(tiny_model());
  ASSERT_TRUE(whole);
  expect_all(file_with("half.gguf", std::string_view(*whole).substr(0, whole->size() / 2)), 4);
}

TEST(BadFile, AForeignArchitectureIsFiveAndNamed) {
  const std::string path = scratch() / "llama.gguf";
  GgufWriter writer;
  writer.set("general.architecture", "llama");
  writer.add_tensor("output_norm.weight", DType::kF32, {4});
  ASSERT_TRUE(writer.begin(path));
  const std::vector<float> ones(4, 1.0f);
  ASSERT_TRUE(writer.write_tensor(std::as_bytes(std::span(ones))));
  ASSERT_TRUE(writer.finish());
  for (const std::string command : {"inspect", "bench"}) {
    const Outcome outcome = run_adder({command, path});
    EXPECT_EQ(outcome.status, 5) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("llama"));
    EXPECT_THAT(outcome.err, HasSubstr("nemotron_h"));
  }
}

/// A copy of the small model with other bytes at the beginning of one tensor.
std::string spoiled(const std::string& name, std::string_view tensor, std::string_view bytes) {
  std::string file = *read_file(tiny_model());
  const auto gguf = Gguf::parse(std::as_bytes(std::span(file)), name);
  const TensorView* view = gguf->find_tensor(tensor);
  EXPECT_NE(view, nullptr) << tensor;
  file.replace(static_cast<size_t>(view->data - reinterpret_cast<const std::byte*>(file.data())), bytes.size(), bytes);
  return file_with(name, file);
}

TEST(BadFile, ANaNScaleIsFourAndItsTensorIsNamed) {
  const std::string_view nan("\0\x7e", 2);  // blocks of Q5_0 and Q8_0 begin with their scale, a half
  for (const std::string tensor : {"blk.1.ffn_up.weight", "blk.0.ssm_in.weight", "output.weight"}) {
    const std::string model = spoiled("nan.gguf", tensor, nan);
    for (const std::vector<std::string>& command : {std::vector<std::string>{"run", model, "-p", "x", "-n", "1"},
                                                    {"logits", model, "--tokens", "1", "--out", scratch() / "none.f32"},
                                                    {"bench", model, "--prompt", "4", "--generate", "1"},
                                                    {"quantize", model, scratch() / "none.gguf", "--type", "q4_0"}}) {
      const Outcome outcome = run_adder(command);
      EXPECT_EQ(outcome.status, 4) << command[0] << tensor << outcome.err;
      EXPECT_THAT(outcome.err, HasSubstr(tensor)) << command[0];
    }
  }
  EXPECT_FALSE(std::filesystem::exists(scratch() / "none.f32"));
  EXPECT_FALSE(std::filesystem::exists(scratch() / "none.gguf"));
}

TEST(BadFile, LogitsThatAreNoNumbersAreFour) {
  const std::vector<float> huge(160, 3e38f);  // finite, but not after the output's product
  const std::string model =
      spoiled("loud.gguf", "output_norm.weight", {reinterpret_cast<const char*>(huge.data()), huge.size() * 4});
  for (const std::string temperature : {"0", "0.8"}) {
    const Outcome outcome = run_adder({"run", model, "-p", "x", "-n", "4", "--temp", temperature});
    EXPECT_EQ(outcome.status, 4) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("2048 logits are NaN or infinite"));
  }
}

TEST(BadFile, AdderModelMustExist) {
  const Outcome outcome =
      run_adder({.arguments = {"inspect"}, .environment = {{"ADDER_MODEL", "/nowhere/model.gguf"}}});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("ADDER_MODEL"));
}

TEST(Inspect, NumbersAddUp) {
  const auto report = run_adder({"inspect", tiny_model(), "--json"}).json();
  EXPECT_EQ(report["config"]["hybrid_override_pattern"], "M-M*-MM-");
  EXPECT_EQ(report["config"]["hidden_size"], 160);
  EXPECT_EQ(report["mix"], "q4_k_m");
  EXPECT_EQ(report["config"]["norm_eps"].dump(), "1e-05");
  int64_t bytes = 0, parameters = 0;
  for (const auto& tensor : report["tensors"]) {
    int64_t elements = 1;
    for (const int64_t dim : tensor["shape"]) elements *= dim;
    parameters += elements;
    bytes += tensor["bytes"].get<int64_t>();
  }
  EXPECT_EQ(bytes, report["tensor_bytes"]);
  EXPECT_EQ(parameters, report["parameters"]);
  EXPECT_NEAR(report["bits_per_weight"], 8.0 * static_cast<double>(bytes) / static_cast<double>(parameters), 1e-9);
  // Rows of 160 hold no block of 256: every matrix that reads the residual stream carries the nearest type.
  EXPECT_THAT(report["fallbacks"], Not(IsEmpty()));
  for (const auto& fallback : report["fallbacks"]) EXPECT_NE(fallback["wanted"], fallback["used"]);
  // One sequence of 4 Mamba layers: 16 heads of 16 by state 32, and 3 columns of 256 + 2 * 4 * 32, in f32.
  EXPECT_EQ(report["state"]["ssm_bytes"], 4 * 16 * 16 * 32 * 4);
  EXPECT_EQ(report["state"]["conv_bytes"], 4 * 3 * (256 + 2 * 4 * 32) * 4);
  // One attention layer, 2 KV heads of 32, keys and values in f16.
  EXPECT_EQ(report["state"]["kv_bytes_per_token"], 2 * 2 * 32 * 2);
}

TEST(Inspect, ReadsAHuggingFaceDirectoryAsWell) {
  const std::string directory = scratch() / "tiny-hf";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "bf16", "--hf", directory}).status, 0);
  const auto from_hf = run_adder({"inspect", directory, "--json"}).json();
  const auto from_gguf = run_adder({"inspect", tiny_model(), "--json"}).json();
  EXPECT_EQ(from_hf["layout"], "huggingface");
  EXPECT_EQ(from_hf["config"], from_gguf["config"]);
  EXPECT_EQ(from_hf["parameters"], from_gguf["parameters"]);

  const Outcome text = run_adder({"inspect", directory, "--tensors"});
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.out, HasSubstr("backbone.layers.0.mixer.in_proj.weight"));
  EXPECT_THAT(text.out, HasSubstr("BF16"));

  const Outcome runs = run_adder({"run", directory, "-p", "x", "-n", "2"});
  EXPECT_EQ(runs.status, 0) << runs.err;
}

TEST(Inspect, ListsTensorsThatTheModelDoesNotNeed) {
  const std::filesystem::path plain = scratch() / "plain-hf", directory = scratch() / "more-hf";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", "--hf", plain}).status, 0);
  const auto model = HfDirectory::open(plain);
  ASSERT_TRUE(model) << model.error().message();
  std::filesystem::copy(plain, directory);
  SafetensorsWriter writer;
  for (const auto& [name, view] : model->tensors()) writer.add_tensor(name, view.dtype, view.shape);
  writer.add_tensor("mtp.positions", DType::kI64, {2, 4});
  writer.add_tensor("mtp.mask", DType::kBool, {3});
  ASSERT_TRUE(writer.begin(directory / "model.safetensors"));
  for (const auto& tensor : model->tensors()) ASSERT_TRUE(writer.write_tensor(tensor.view.span()));
  ASSERT_TRUE(writer.write_tensor(std::vector<std::byte>(64)));
  ASSERT_TRUE(writer.write_tensor(std::vector<std::byte>(3)));
  ASSERT_TRUE(writer.finish());

  const Outcome text = run_adder({"inspect", directory});
  EXPECT_EQ(text.status, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("2 tensors the model does not need"));
  EXPECT_THAT(text.out, HasSubstr("mtp.positions"));
  const auto skipped = run_adder({"inspect", directory, "--json"}).json()["skipped"];
  ASSERT_EQ(skipped.size(), 2u);
  EXPECT_EQ(skipped[1], nlohmann::json({{"name", "mtp.mask"}, {"type", "BOOL"}, {"shape", {3}}, {"bytes", 3}}));
}

TEST(Tokenize, RoundTripThroughEveryForm) {
  const std::string text = "Once upon a time, \xc3\xa9t\xc3\xa9 12345";
  const Outcome plain = run_adder({"tokenize", tiny_model(), "-p", text});
  ASSERT_EQ(plain.status, 0) << plain.err;
  const auto json = run_adder({.arguments = {"tokenize", tiny_model(), "--json"}, .input = text}).json();
  EXPECT_EQ(json["bytes"], text.size());

  std::string spaced, commas;
  for (const auto& id : json["ids"]) {
    spaced.append(spaced.empty() ? "" : " ").append(id.dump());
    commas.append(commas.empty() ? "" : ",").append(id.dump());
  }
  EXPECT_EQ(plain.out, spaced + "\n");
  EXPECT_EQ(run_adder({"tokenize", tiny_model(), "--decode", commas}).out, text + "\n");

  const Outcome lines = run_adder({.arguments = {"tokenize", tiny_model(), "--jsonl"},
                                   .input = nlohmann::json(text).dump() + "\n\"\"\n\"a\\nb\"\n"});
  ASSERT_EQ(lines.status, 0) << lines.err;
  std::istringstream rows(lines.out);
  std::string row;
  ASSERT_TRUE(std::getline(rows, row));
  EXPECT_EQ(nlohmann::json::parse(row), json["ids"]);
  ASSERT_TRUE(std::getline(rows, row));
  EXPECT_TRUE(nlohmann::json::parse(row).is_array());
  ASSERT_TRUE(std::getline(rows, row));
  EXPECT_FALSE(std::getline(rows, row));
}

TEST(Tokenize, BadLinesAndIdsAreNamed) {
  const Outcome line = run_adder({.arguments = {"tokenize", tiny_model(), "--jsonl"}, .input = "\"fine\"\n{oops\n"});
  EXPECT_EQ(line.status, 4);
  EXPECT_THAT(line.err, HasSubstr("line 2"));
  const Outcome number = run_adder({.arguments = {"tokenize", tiny_model(), "--jsonl"}, .input = "17\n"});
  EXPECT_EQ(number.status, 4);
  EXPECT_THAT(number.err, HasSubstr("line 1"));
  EXPECT_EQ(run_adder({"tokenize", tiny_model(), "--decode", "99999999"}).status, 2);
  EXPECT_EQ(run_adder({"tokenize", tiny_model(), "--decode=-1"}).status, 2);
}

TEST(Logits, WritesARowPerToken) {
  const std::string all = scratch() / "all.f32", first = scratch() / "first.f32";
  const Outcome outcome = run_adder({"logits", tiny_model(), "--tokens", "5,6,7", "--out", all});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "[3, 2048]\n");
  ASSERT_EQ(run_adder({"logits", tiny_model(), "--tokens", "5", "--out", first, "--json"}).json()["shape"],
            nlohmann::json({1, 2048}));
  const auto three = read_file(all), one = read_file(first);
  ASSERT_TRUE(three && one);
  EXPECT_EQ(three->size(), 3u * 2048 * 4);
  EXPECT_EQ(three->substr(0, 2048 * 4), *one);
}

TEST(Logits, BadIdsLeaveNoFile) {
  const std::string path = scratch() / "bad.f32";
  for (const std::string tokens : {"2048", "-1", "5,99999"}) {
    const Outcome outcome = run_adder({"logits", tiny_model(), "--tokens=" + tokens, "--out", path});
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_EQ(run_adder({"logits", tiny_model(), "--tokens", "1,2,3", "--context", "2", "--out", path}).status, 6);
  EXPECT_EQ(run_adder({"logits", tiny_model(), "--tokens", "1", "--out", "/nowhere/x.f32"}).status, 1);
}

TEST(Synth, IsReproducibleAndSaysNothingOnStandardOutput) {
  const std::string again = scratch() / "again.gguf", other = scratch() / "other.gguf";
  const Outcome outcome = run_adder({"synth", "--preset", "tiny", "--type", "q4_k_m", again, "--threads", "1"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, IsEmpty());
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "q4_k_m", "--seed", "1", other}).status, 0);
  EXPECT_EQ(*read_file(again), *read_file(tiny_model()));
  EXPECT_NE(*read_file(other), *read_file(tiny_model()));
}

TEST(Quantize, GivesTheTypesOfTheMix) {
  const std::string source = scratch() / "f32.gguf", target = scratch() / "q8.gguf";
  ASSERT_EQ(run_adder({"synth", "--preset", "tiny", "--type", "f32", source}).status, 0);
  const Outcome outcome = run_adder({"quantize", source, target, "--type", "q8_0", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_GT(outcome.json()["bytes_in"], outcome.json()["bytes_out"]);
  const auto report = run_adder({"inspect", target, "--json"}).json();
  EXPECT_EQ(report["mix"], "q8_0");
  EXPECT_EQ(report["types"][0]["type"], "Q8_0");
  EXPECT_EQ(run_adder({"run", target, "-p", "x", "-n", "2"}).status, 0);
}

TEST(Quantize, OverItsOwnInputIsRefused) {
  const std::string source = scratch() / "own.gguf";
  std::filesystem::copy_file(tiny_model(), source);
  const auto before = read_file(source);
  EXPECT_EQ(run_adder({"quantize", source, source, "--type", "q8_0"}).status, 2);
  EXPECT_EQ(*read_file(source), *before);
}

}  // namespace
}  // namespace adder
