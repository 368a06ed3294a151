#include "make/quantize/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "core/arch/bind.h"
#include "core/arch/checkpoint_writer.h"
#include "core/arch/config_gguf.h"
#include "core/arch/presets.h"
#include "core/base/rng.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/quant/codec.h"
#include "core/text/byte_alphabet.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

using testing::expect_error;
using testing::TempDir;
namespace fs = std::filesystem;

/// One layer of each kind, a hidden size that is no multiple of 256: half a million parameters.
ModelConfig small() {
  ModelConfig config = tiny();
  config.layers = parse_pattern("M*-", 512, 2).value();
  config.vocab_size = 320;
  return config;
}

/// Random weights, or `change`d ones; A is negative as it must be.
using Change = std::function<void(const TensorSpec&, std::vector<float>&)>;

void write_weights(CheckpointWriter writer, const Change& change) {
  uint64_t stream = 0;
  for (const TensorSpec& spec : writer.specs()) {
    Rng rng(11, stream++);
    std::vector<float> values(static_cast<size_t>(spec.shape.elements()));
    for (float& v : values) v = spec.role == Role::kA ? -1.0f - rng.uniform() : 0.05f * rng.normal();
    if (change) change(spec, values);
    const Status done = writer.write(values);
    ASSERT_TRUE(done) << done.error().message();
  }
  ASSERT_TRUE(writer.finish());
}

void write_gguf(const fs::path& path, const ModelConfig& config, const std::vector<GgufEntry>& metadata = {},
                const Change& change = {}) {
  auto writer =
      CheckpointWriter::gguf(path, config, uniform_types(tensor_specs(config), Layout::kGguf, DType::kF32), metadata);
  ASSERT_TRUE(writer) << writer.error().message();
  write_weights(std::move(*writer), change);
}

void write_hf(const fs::path& path, const ModelConfig& config, HfFiles side, const Change& change = {}) {
  const auto types = uniform_types(tensor_specs(config), Layout::kHuggingFace, DType::kBF16);
  auto writer = CheckpointWriter::hugging_face(path, config, types, std::move(side));
  ASSERT_TRUE(writer) << writer.error().message();
  write_weights(std::move(*writer), change);
}

BoundModel open_model(const fs::path& path) {
  auto file = ModelFile::open(path);
  EXPECT_TRUE(file) << file.error().message();
  auto model = bind(std::make_shared<const ModelFile>(std::move(*file)));
  EXPECT_TRUE(model) << model.error().message();
  return std::move(*model);
}

QuantizeReport quantize_ok(const fs::path& in, const fs::path& out, Mix mix, int threads = 2) {
  auto report = quantize(in, out, {mix, threads, {}});
  EXPECT_TRUE(report) << report.error().message();
  return std::move(*report);
}

Receipt receipt_of(const fs::path& path) {
  const auto receipt = read_receipt(*open_model(path).file);
  EXPECT_TRUE(receipt && *receipt) << path;
  return receipt ? receipt->value_or(Receipt()) : Receipt();
}

std::string bytes_of(const fs::path& path) {
  return read_file(path).value();
}

class Quantize : public ::testing::TestWithParam<Mix> {};

/// Every tensor of the output is exactly the codec's answer to the input's numbers.
TEST_P(Quantize, EveryTensorIsWhatTheCodecMakesOfIt) {
  const TempDir dir;
  write_gguf(dir / "in.gguf", small());
  const QuantizeReport report = quantize_ok(dir / "in.gguf", dir / "out.gguf", GetParam());
  const BoundModel in = open_model(dir / "in.gguf"), out = open_model(dir / "out.gguf");
  const auto plan = plan_types(GetParam(), in.config);
  uint64_t bytes = 0;
  for (size_t i = 0; i < plan.size(); ++i) {
    SCOPED_TRACE(in.tensors[i].spec.gguf_name);
    ASSERT_EQ(out.tensors[i].view.dtype, plan[i].type);
    const auto values = to_f32(in.tensors[i]).value();
    std::vector<std::byte> expected(storage_bytes(plan[i].type, static_cast<int64_t>(values.size())));
    ASSERT_TRUE(encode(plan[i].type, values, {}, expected.data()));
    EXPECT_TRUE(std::ranges::equal(out.tensors[i].view.span(), expected));
    EXPECT_EQ(report.tensors[i].from, DType::kF32);
    EXPECT_EQ(report.tensors[i].to.type, plan[i].type);
    bytes += expected.size();
  }
  EXPECT_EQ(report.bytes_out, bytes);
  EXPECT_EQ(out.file->gguf()->integer("general.file_type").value(), info(GetParam()).file_type);
  EXPECT_EQ(out.file->gguf()->integer("general.quantization_version").value(), 2);
}

INSTANTIATE_TEST_SUITE_P(Mixes, Quantize, ::testing::Values(Mix::kF32, Mix::kBF16, Mix::kQ8_0, Mix::kQ4_K_M),
                         [](const auto& test) { return std::string(adder::info(test.param).name); });

TEST(QuantizeFile, IsTheSameForAnyNumberOfThreads) {
  const TempDir dir;
  write_gguf(dir / "in.gguf", small());
  quantize_ok(dir / "in.gguf", dir / "one.gguf", Mix::kQ4_K_M, 1);
  quantize_ok(dir / "in.gguf", dir / "three.gguf", Mix::kQ4_K_M, 3);
  EXPECT_EQ(bytes_of(dir / "one.gguf"), bytes_of(dir / "three.gguf"));
}

/// Of one matrix: the others are as without, and a Hugging Face name is no obstacle.
TEST(QuantizeFile, RoundsByImportanceWhereItIsKnown) {
  const TempDir dir;
  write_gguf(dir / "in.gguf", small());
  const BoundModel in = open_model(dir / "in.gguf");
  const BoundTensor& up = *in.find(Role::kUp, 2);
  const auto width = static_cast<size_t>(up.spec.shape.row_length());
  Imatrix imatrix;
  Imatrix::Entry& entry = imatrix.entries[up.spec.gguf_name];
  for (size_t c = 0; c < width; ++c) entry.sums.push_back(c % 7 == 0 ? 900.0f : 1.0f);
  entry.counts = {9};
  QuantizeOptions options{Mix::kQ4_0, 2, {}};
  options.imatrix = &imatrix;
  const auto report = quantize(dir / "in.gguf", dir / "out.gguf", options);
  ASSERT_TRUE(report) << report.error().message();
  quantize_ok(dir / "in.gguf", dir / "plain.gguf", Mix::kQ4_0);
  const BoundModel out = open_model(dir / "out.gguf"), plain = open_model(dir / "plain.gguf");

  const auto importance = imatrix.importance(up.spec).value();
  const auto values = to_f32(up).value();
  std::vector<std::byte> expected(storage_bytes(DType::kQ4_0, up.spec.shape.elements()));
  const size_t row_bytes = storage_bytes(DType::kQ4_0, up.spec.shape.row_length());
  for (size_t r = 0; r * width < values.size(); ++r)
    ASSERT_TRUE(
        encode(DType::kQ4_0, std::span(values).subspan(r * width, width), importance, expected.data() + r * row_bytes));
  for (size_t i = 0; i < out.tensors.size(); ++i) {
    const bool weighed = out.tensors[i].spec.gguf_name == up.spec.gguf_name;
    EXPECT_EQ(report->tensors[i].by_importance, weighed);
    EXPECT_EQ(std::ranges::equal(out.tensors[i].view.span(), plain.tensors[i].view.span()), !weighed);
    if (weighed) {
      EXPECT_TRUE(std::ranges::equal(out.tensors[i].view.span(), expected));
    }
  }

  entry.sums.pop_back();
  expect_error(quantize(dir / "in.gguf", dir / "bad.gguf", options), ErrorCode::kUsage, up.spec.gguf_name, "columns");
  EXPECT_FALSE(fs::exists(dir / "bad.gguf"));
}

TEST(QuantizeFile, FollowsAPlanInsteadOfAMix) {
  const TempDir dir;
  write_gguf(dir / "in.gguf", small());
  QuantizeOptions options;
  options.plan = TypePlan{plan_types(Mix::kQ8_0, small()), 7};
  options.plan->types.back() = {DType::kF16, DType::kF16};
  const auto report = quantize(dir / "in.gguf", dir / "out.gguf", options);
  ASSERT_TRUE(report) << report.error().message();
  const BoundModel out = open_model(dir / "out.gguf");
  EXPECT_EQ(out.find(Role::kSsmIn, 0)->view.dtype, DType::kQ8_0);
  EXPECT_EQ(out.tensors.back().view.dtype, DType::kF16);
  EXPECT_EQ(out.file->gguf()->integer("general.file_type").value(), 7);

  const uint64_t most = overhead_bytes(open_model(dir / "in.gguf"), options).value() + report->bytes_out;
  EXPECT_LE(fs::file_size(dir / "out.gguf"), most);
  EXPECT_GE(fs::file_size(dir / "out.gguf"), most - 31 * out.tensors.size() - 64);
}

TEST(QuantizeFile, CopiesWhatHasItsTypeAlready) {
  const TempDir dir;
  write_gguf(dir / "in.gguf", small());
  quantize_ok(dir / "in.gguf", dir / "once.gguf", Mix::kQ4_K_M);
  const auto report = quantize_ok(dir / "once.gguf", dir / "twice.gguf", Mix::kQ4_K_M);
  const Receipt once = receipt_of(dir / "once.gguf"), twice = receipt_of(dir / "twice.gguf");
  EXPECT_EQ(once.model_hash, twice.model_hash);
  EXPECT_TRUE(std::ranges::none_of(report.tensors, &QuantizedTensor::requantized));

  const auto again = quantize_ok(dir / "once.gguf", dir / "q8.gguf", Mix::kQ8_0);
  EXPECT_TRUE(std::ranges::any_of(again.tensors, &QuantizedTensor::requantized)) << "the caller can warn";
}

TEST(QuantizeFile, KeepsAllMetadata) {
  const TempDir dir;
  write_gguf(dir / "in.gguf", small(),
             {gguf_text("general.name", "A name"), gguf_u32("general.file_type", 0),
              gguf_i32s("somebody.else", {1, -2, 3}), gguf_u32("nemotron_h.context_length", 1048576)});
  quantize_ok(dir / "in.gguf", dir / "out.gguf", Mix::kQ8_0);
  const BoundModel in = open_model(dir / "in.gguf"), out = open_model(dir / "out.gguf");
  EXPECT_EQ(out.config, in.config);
  for (const GgufEntry& entry : in.file->gguf()->metadata()) {
    if (entry.key.starts_with(kReceiptPrefix)) continue;
    const GgufEntry* kept = out.file->gguf()->find(entry.key);
    ASSERT_NE(kept, nullptr) << entry.key;
    EXPECT_EQ(kept->type, entry.type) << entry.key;
    EXPECT_TRUE(kept->value == entry.value || entry.key == "general.file_type") << entry.key;
  }
}

TEST(QuantizeFile, TheReceiptNamesWhatWasRead) {
  const TempDir dir;
  write_gguf(dir / "in.gguf", small());
  quantize_ok(dir / "in.gguf", dir / "half.gguf", Mix::kF16);
  quantize_ok(dir / "half.gguf", dir / "out.gguf", Mix::kQ8_0);
  const Receipt in = receipt_of(dir / "in.gguf"), half = receipt_of(dir / "half.gguf"),
                out = receipt_of(dir / "out.gguf");
  EXPECT_EQ(out.steps, (std::vector<ReceiptStep>{{"quantize --type f16", in.model_hash},
                                                 {"quantize --type q8_0", half.model_hash}}));
  EXPECT_LT(out.bits_per_weight, half.bits_per_weight);
}

TokenizerData byte_tokenizer(int64_t vocab_size) {
  TokenizerData data;
  for (int b = 0; b < 256; ++b) data.tokens.emplace_back(byte_letter(static_cast<uint8_t>(b)));
  data.types.assign(256, TokenType::kNormal);
  data.merges = {"a b"};
  data.tokens.push_back("ab");
  data.types.push_back(TokenType::kNormal);
  for (int64_t id = 257; id < vocab_size; ++id) {
    data.tokens.push_back(fmt::format("<|{}|>", id));
    data.types.push_back(TokenType::kControl);
  }
  data.pre = "gpt-2";
  data.eos = 257;
  data.stop_ids = {257};
  return data;
}

TEST(QuantizeFile, BringsAHuggingFaceDirectoryAlong) {
  const TempDir dir;
  const ModelConfig config = small();
  const TokenizerData tokenizer = byte_tokenizer(config.vocab_size);
  HfFiles side;
  side.tokenizer = to_tokenizer_json(tokenizer).value();
  side.tokenizer_config = to_tokenizer_config_json(tokenizer);
  side.generation = to_generation_config_json(tokenizer);
  side.chat_template = "{{ messages }}";
  write_hf(dir / "hf-model", config, side);
  const auto report = quantize_ok(dir / "hf-model", dir / "out.gguf", Mix::kQ8_0);
  EXPECT_EQ(report.tensors.front().from, DType::kBF16);

  const BoundModel out = open_model(dir / "out.gguf"), in = open_model(dir / "hf-model");
  EXPECT_EQ(out.config, config);
  EXPECT_EQ(to_f32(*out.find(Role::kA, 0)).value(), to_f32(*in.find(Role::kA, 0)).value()) << "GGUF stores -exp(A_log)";
  const Gguf& gguf = *out.file->gguf();
  EXPECT_EQ(gguf.text("general.architecture").value(), "nemotron_h");
  EXPECT_EQ(gguf.text("general.name").value(), "hf-model");
  EXPECT_EQ(gguf.text("tokenizer.chat_template").value(), "{{ messages }}");
  const TokenizerData carried = tokenizer_from_gguf(gguf).value();
  EXPECT_EQ(carried.tokens, tokenizer.tokens);
  EXPECT_EQ(carried.merges, tokenizer.merges);
  EXPECT_EQ(carried.eos, 257);

  // The same weights by way of an unquantised GGUF end in the same model.
  quantize_ok(dir / "hf-model", dir / "bf16.gguf", Mix::kBF16);
  quantize_ok(dir / "bf16.gguf", dir / "again.gguf", Mix::kQ8_0);
  EXPECT_EQ(receipt_of(dir / "again.gguf").model_hash, receipt_of(dir / "out.gguf").model_hash);
}

TEST(QuantizeFile, WritesADirectoryWithoutTokenizer) {
  const TempDir dir;
  write_hf(dir / "hf", small(), {});
  quantize_ok(dir / "hf", dir / "out.gguf", Mix::kQ8_0);
  EXPECT_EQ(open_model(dir / "out.gguf").file->gguf()->find("tokenizer.ggml.model"), nullptr);
}

TEST(QuantizeFile, NamesTheTensorThatHoldsABadNumber) {
  const TempDir dir;
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const auto spoil = [&](Role role, size_t row, size_t column, float value) {
    const std::string path = dir / "bad.gguf";
    GgufWriter writer;
    for (GgufEntry& entry : gguf_metadata(small())) writer.set(std::move(entry));
    for (const TensorSpec& spec : tensor_specs(small()))
      writer.add_tensor(spec.gguf_name, DType::kF32, gguf_shape(spec, small()));
    EXPECT_TRUE(writer.begin(path));
    for (const TensorSpec& spec : tensor_specs(small())) {
      std::vector<float> values(static_cast<size_t>(spec.shape.elements()), -0.5f);
      if (spec.role == role) values[row * static_cast<size_t>(spec.shape.row_length()) + column] = value;
      EXPECT_TRUE(writer.write_tensor(std::as_bytes(std::span(values))));
    }
    EXPECT_TRUE(writer.finish());
    return quantize(path, dir / "out.gguf", {Mix::kQ4_K_M, 2, {}});
  };
  expect_error(spoil(Role::kSsmOut, 77, 200, nan), ErrorCode::kCorrupt, "bad.gguf", "tensor blk.0.ssm_out.weight",
               "row 77", "element 200 is nan");
  expect_error(spoil(Role::kOutput, 319, 159, -inf), ErrorCode::kCorrupt, "tensor output.weight", "row 319",
               "element 159 is -inf");
  expect_error(spoil(Role::kUp, 0, 3, 1e6f), ErrorCode::kCorrupt, "ffn_up.weight", "row 0", "element 3 is 1000000");
  expect_error(spoil(Role::kNorm, 0, 8, inf), ErrorCode::kCorrupt, "tensor blk.0.attn_norm.weight", "element 8");
  EXPECT_FALSE(fs::exists(dir / "out.gguf"));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1) << "no half-written file stays behind";
}

TEST(QuantizeFile, ReportsProgressAndStopsWhenTold) {
  const TempDir dir;
  write_gguf(dir / "in.gguf", small());
  uint64_t last = 0;
  QuantizeOptions options{Mix::kQ8_0, 1, {}};
  options.progress = [&](const QuantizeProgress& p) -> Status {
    EXPECT_GE(p.bytes_done, last);
    EXPECT_LE(p.bytes_done, p.bytes_total);
    last = p.bytes_done;
    return {};
  };
  const auto report = quantize(dir / "in.gguf", dir / "out.gguf", options);
  ASSERT_TRUE(report);
  EXPECT_EQ(last, report->bytes_out);

  fs::remove(dir / "out.gguf");
  options.progress = [](const QuantizeProgress& p) -> Status {
    if (p.spec.role == Role::kSsmIn) return Error::cancelled("stopped");
    return {};
  };
  expect_error(quantize(dir / "in.gguf", dir / "out.gguf", options), ErrorCode::kCancelled, "stopped");
  EXPECT_FALSE(fs::exists(dir / "out.gguf"));
}

TEST(QuantizeFile, RefusesPathsThatMakeNoSense) {
  const TempDir dir;
  write_gguf(dir / "in.gguf", small());
  fs::create_symlink("in.gguf", dir / "link.gguf");
  fs::create_directory(dir / "folder");
  const auto attempt = [&](const char* in, const char* out) { return quantize(dir / in, dir / out, {}); };
  expect_error(attempt("in.gguf", "in.gguf"), ErrorCode::kUsage, "same file");
  expect_error(attempt("in.gguf", "link.gguf"), ErrorCode::kUsage, "same file");
  expect_error(attempt("in.gguf", "folder"), ErrorCode::kUsage, "directory");
  expect_error(attempt("missing.gguf", "out.gguf"), ErrorCode::kNotFound, "missing.gguf");
  expect_error(attempt("in.gguf", "nowhere/out.gguf"), ErrorCode::kIo, "nowhere/out.gguf");
}

}  // namespace
}  // namespace adder
