#include "make/convert/convert.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "core/arch/bind.h"
#include "core/arch/checkpoint_writer.h"
#include "core/arch/config_json.h"
#include "core/arch/presets.h"
#include "core/arch/receipt.h"
#include "core/base/rng.h"
#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/quant/codec.h"
#include "core/text/byte_alphabet.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using ::testing::HasSubstr;
using testing::TempDir;

/// A vocabulary of the 256 bytes, two words and the special tokens chat models have.
TokenizerData vocabulary() {
  TokenizerData data;
  for (const char* special : {"<unk>", "<s>", "</s>", "<|im_end|>"}) {
    data.tokens.emplace_back(special);
    data.types.push_back(TokenType::kControl);
  }
  for (int byte = 0; byte < 256; ++byte) {
    data.tokens.emplace_back(byte_letter(static_cast<uint8_t>(byte)));
    data.types.push_back(TokenType::kNormal);
  }
  for (const char* word : {"th", "the"}) {
    data.tokens.emplace_back(word);
    data.types.push_back(TokenType::kNormal);
  }
  data.merges = {"t h", "th e"};
  data.pre = "llama-bpe";
  data.ignore_merges = data.add_bos = true;
  data.unk = data.pad = 0;
  data.bos = 1;
  data.eos = 3;
  data.stop_ids = {3, 2};
  return data;
}

ModelConfig small() {
  ModelConfig config = tiny();
  config.vocab_size = 262;
  return config;
}

float value_of(const TensorSpec& spec, Rng& rng) {
  const float x = rng.uniform();
  if (spec.role == Role::kA) return std::log(1.0f + 15.0f * x) / 8;
  return spec.role == Role::kD || !spec.is_matrix ? 1.0f + x / 3 : x / 7 - 0.07f;
}

/// A directory as another program may have written it: no receipt, config fields adder does not know, types as given.
void write_directory(const fs::path& path, DType matrices, DType others) {
  const ModelConfig config = small();
  const TokenizerData tokenizer = vocabulary();
  HfFiles files;
  files.config = config_json(config).value();
  files.config["chunk_size"] = 128;
  files.config["time_step_limit"] = {0.0, std::numeric_limits<double>::infinity()};
  files.config["torch_dtype"] = "bfloat16";
  files.config["auto_map"] = {{"AutoConfig", "remote.Code"}};
  files.tokenizer = to_tokenizer_json(tokenizer).value();
  files.tokenizer_config = to_tokenizer_config_json(tokenizer);
  (*files.tokenizer_config)["padding_side"] = "left";
  files.generation = {{"eos_token_id", {3, 2}}, {"temperature", 0.6}};
  files.chat_template = "{{ messages }}";
  HfWriter writer;
  const auto specs = tensor_specs(config);
  for (const TensorSpec& spec : specs)
    writer.weights().add_tensor(spec.hf_name, spec.is_matrix ? matrices : others, hf_shape(spec, config));
  ASSERT_TRUE(writer.begin(path, files));
  for (const TensorSpec& spec : specs) {
    Rng rng(3, static_cast<uint64_t>(spec.layer + 1) << 8 | static_cast<uint64_t>(spec.role));
    std::vector<float> values(static_cast<size_t>(spec.shape.elements()));
    for (float& value : values) value = value_of(spec, rng);
    const DType type = spec.is_matrix ? matrices : others;
    Tensor tensor(type, spec.shape);
    ASSERT_TRUE(encode(type, values, {}, tensor.data()));
    ASSERT_TRUE(writer.weights().write_tensor(tensor.view().span()));
  }
  ASSERT_TRUE(writer.finish());
}

Result<ConvertReport> convert(const fs::path& from, const fs::path& to, std::optional<DType> type = {}) {
  ConvertOptions options;
  options.threads = 2;
  options.type = type;
  return adder::convert(from, to, options);
}

int64_t changed_in(const ConvertReport& report) {
  int64_t changed = 0;
  for (const ConvertedTensor& tensor : report.tensors) changed += tensor.changed;
  return changed;
}

void expect_same_tensors(const fs::path& a, const fs::path& b) {
  const auto ours = HfDirectory::open(a), theirs = HfDirectory::open(b);
  ASSERT_TRUE(ours && theirs) << (ours ? theirs : ours).error().message();
  ASSERT_EQ(ours->tensors().size(), theirs->tensors().size());
  for (const NamedTensor& tensor : ours->tensors()) {
    const TensorView* other = theirs->find_tensor(tensor.name);
    ASSERT_NE(other, nullptr) << tensor.name;
    EXPECT_EQ(tensor.view.dtype, other->dtype) << tensor.name;
    EXPECT_EQ(tensor.view.shape, other->shape) << tensor.name;
    EXPECT_TRUE(std::ranges::equal(tensor.view.span(), other->span())) << tensor.name;
  }
}

TEST(Convert, ADirectoryComesBackFromGgufToTheByte) {
  for (const auto& [matrices, others] : {std::pair{DType::kBF16, DType::kBF16},
                                         {DType::kBF16, DType::kF32},
                                         {DType::kF16, DType::kF16},
                                         {DType::kF32, DType::kBF16}}) {
    const TempDir dir;
    write_directory(dir / "hf", matrices, others);
    const auto to = convert(dir / "hf", dir / "m.gguf");
    ASSERT_TRUE(to) << to.error().message();
    const auto back = convert(dir / "m.gguf", dir / "back");
    ASSERT_TRUE(back) << back.error().message();
    if (others == DType::kF32) {  // an A in f32 has many an A_log: that the report must say
      EXPECT_GT(changed_in(*to), 0);
      for (const ConvertedTensor& tensor : to->tensors)
        EXPECT_TRUE(tensor.changed == 0 || tensor.spec.role == Role::kA);
      continue;
    }
    EXPECT_EQ(changed_in(*to), 0);
    EXPECT_EQ(changed_in(*back), 0);
    expect_same_tensors(dir / "hf", dir / "back");
  }
}

TEST(Convert, TextsComeBackToo) {
  const TempDir dir;
  write_directory(dir / "hf", DType::kBF16, DType::kBF16);
  ASSERT_TRUE(convert(dir / "hf", dir / "m.gguf"));
  ASSERT_TRUE(convert(dir / "m.gguf", dir / "back"));
  const auto before = HfDirectory::open(dir / "hf"), after = HfDirectory::open(dir / "back");
  auto config = before->config();
  config.erase("auto_map");  // names Python files that do not go along
  EXPECT_EQ(after->config(), config);
  EXPECT_EQ(after->tokenizer(), before->tokenizer());
  EXPECT_EQ(after->tokenizer_config(), before->tokenizer_config());
  EXPECT_EQ(after->generation_config(), before->generation_config());
  EXPECT_EQ(after->chat_template(), before->chat_template());
}

/// What a directory said once does not count when the GGUF file's special tokens have been changed since.
TEST(Convert, ChangedSpecialTokensAreToldAnew) {
  const TempDir dir;
  write_directory(dir / "hf", DType::kBF16, DType::kBF16);
  ASSERT_TRUE(convert(dir / "hf", dir / "m.gguf"));
  const auto gguf = Gguf::open(dir / "m.gguf");
  GgufWriter writer;
  for (const GgufEntry& entry : gguf->metadata())
    if (!entry.key.starts_with("adder.receipt.")) writer.set(entry);
  writer.set_u32("tokenizer.ggml.bos_token_id", 2);
  for (const NamedTensor& tensor : gguf->tensors())
    writer.add_tensor(tensor.name, tensor.view.dtype, tensor.view.shape);
  ASSERT_TRUE(writer.begin(dir / "edited.gguf"));
  for (const NamedTensor& tensor : gguf->tensors()) ASSERT_TRUE(writer.write_tensor(tensor.view.span()));
  ASSERT_TRUE(writer.finish());
  ASSERT_TRUE(convert(dir / "edited.gguf", dir / "back"));
  const auto after = HfDirectory::open(dir / "back");
  EXPECT_EQ((*after->tokenizer_config())["bos_token"], "</s>");
  EXPECT_EQ(after->config()["bos_token_id"], 2);
  EXPECT_EQ(tokenizer_from_hf(*after)->bos, 2);
}

/// A file of another program: BF16 matrices, no word of what the directory once held.
TEST(Convert, SmallTensorsOfAForeignFileBecomeTheMatricesTypeOnlyWhereNothingIsLost) {
  const TempDir dir;
  const ModelConfig config = small();
  auto writer = CheckpointWriter::gguf(dir / "m.gguf", config,
                                       uniform_types(tensor_specs(config), Layout::kGguf, DType::kBF16), {});
  ASSERT_TRUE(writer);
  for (const TensorSpec& spec : std::vector(writer->specs())) {
    const bool is_odd = spec.role == Role::kD && spec.layer == 0;  // 1/3 is no BF16
    const float value = spec.role == Role::kA ? -std::exp(0.5f) : is_odd ? 1.0f / 3 : 0.5f;
    ASSERT_TRUE(writer->write(std::vector<float>(static_cast<size_t>(spec.shape.elements()), value)));
  }
  ASSERT_TRUE(writer->finish());
  const auto report = convert(dir / "m.gguf", dir / "hf");
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(changed_in(*report), 0);
  const auto hf = HfDirectory::open(dir / "hf");
  EXPECT_EQ(hf->find_tensor("backbone.layers.0.mixer.D")->dtype, DType::kF32);
  EXPECT_EQ(hf->find_tensor("backbone.layers.2.mixer.D")->dtype, DType::kBF16);
  const TensorView& a_log = *hf->find_tensor("backbone.layers.0.mixer.A_log");
  ASSERT_EQ(a_log.dtype, DType::kBF16);
  EXPECT_EQ(*reinterpret_cast<const uint16_t*>(a_log.data), 0x3f00);  // 0.5
}

TEST(Convert, TheReportCountsWhatANarrowerTypeRounds) {
  const TempDir dir;
  write_directory(dir / "hf", DType::kF32, DType::kF32);
  const auto report = convert(dir / "hf", dir / "m.gguf", DType::kBF16);
  ASSERT_TRUE(report) << report.error().message();
  for (const ConvertedTensor& tensor : report->tensors) {
    if (tensor.spec.is_matrix) {
      EXPECT_GT(tensor.changed, tensor.spec.shape.elements() * 9 / 10) << tensor.spec.gguf_name;
    }
  }
  EXPECT_EQ(Gguf::open(dir / "m.gguf")->integer("general.file_type").value(), 32);
}

TEST(Convert, QuantisedMatricesNeedAType) {
  const TempDir dir;
  const ModelConfig config = small();
  std::vector<DType> types = uniform_types(tensor_specs(config), Layout::kGguf, DType::kF16);
  types[0] = DType::kQ8_0;
  auto writer = CheckpointWriter::gguf(dir / "m.gguf", config, types, {});
  for (const TensorSpec& spec : std::vector(writer->specs()))
    ASSERT_TRUE(writer->write(std::vector<float>(static_cast<size_t>(spec.shape.elements()), -1.0f)));
  ASSERT_TRUE(writer->finish());
  expect_error(convert(dir / "m.gguf", dir / "hf"), ErrorCode::kUsage, "token_embd.weight is Q8_0", "--type");
  EXPECT_FALSE(fs::exists(dir / "hf"));
  ASSERT_TRUE(convert(dir / "m.gguf", dir / "hf", DType::kBF16));
  EXPECT_EQ(HfDirectory::open(dir / "hf")->find_tensor("backbone.embeddings.weight")->dtype, DType::kBF16);
}

TEST(Convert, SplitsAndJoins) {
  const TempDir dir;
  write_directory(dir / "hf", DType::kBF16, DType::kBF16);
  ASSERT_TRUE(convert(dir / "hf", dir / "m.gguf"));
  ConvertOptions options;
  options.split_bytes = 200'000;
  const auto split = adder::convert(dir / "m.gguf", dir / "parts.gguf", options);
  ASSERT_TRUE(split) << split.error().message();
  ASSERT_GT(split->outputs.size(), 2u);
  const auto joined = convert(split->outputs.front(), dir / "joined.gguf");
  ASSERT_TRUE(joined) << joined.error().message();
  const auto before = Gguf::open(dir / "m.gguf"), after = Gguf::open(dir / "joined.gguf");
  EXPECT_EQ(after->find("split.count"), nullptr);
  EXPECT_EQ(before->text("adder.receipt.model_hash").value(), after->text("adder.receipt.model_hash").value());
  EXPECT_EQ(before->texts("adder.receipt.tensor_hashes").value(), after->texts("adder.receipt.tensor_hashes").value());
  expect_error(adder::convert(dir / "m.gguf", dir / "hf2", options), ErrorCode::kUsage, "only GGUF files are split");
  // Files of two models of one shape are no model, though all names and counts agree.
  const fs::path other = dir / "other";
  write_directory(other / "hf", DType::kBF16, DType::kF32);
  ASSERT_TRUE(adder::convert(other / "hf", other / "parts.gguf", options));
  const fs::path second = split->outputs[1];
  fs::copy_file(other / second.filename(), second, fs::copy_options::overwrite_existing);
  expect_error(Gguf::open(split->outputs[0]), ErrorCode::kCorrupt, second.filename().string(), "another model");
}

TEST(Convert, TheReceiptTellsTheWholeWay) {
  const TempDir dir;
  write_directory(dir / "hf", DType::kBF16, DType::kBF16);
  ASSERT_TRUE(convert(dir / "hf", dir / "m.gguf"));
  ASSERT_TRUE(convert(dir / "m.gguf", dir / "back", DType::kF16));
  const auto first = read_receipt(*ModelFile::open(dir / "m.gguf")),
             last = read_receipt(*ModelFile::open(dir / "back"));
  ASSERT_TRUE(first && *first && last && *last);
  ASSERT_EQ((*last)->steps.size(), 2u);
  EXPECT_EQ((*last)->steps[0], (*first)->steps[0]);
  EXPECT_EQ((*last)->steps[1].recipe, "convert --type f16");
  EXPECT_EQ((*last)->steps[1].source, (*first)->model_hash);
  EXPECT_EQ((*last)->bits_per_weight, 16);
  EXPECT_NE((*last)->model_hash, (*first)->model_hash);
}

TEST(Convert, RefusesWhatItCannotDo) {
  const TempDir dir;
  write_directory(dir / "hf", DType::kBF16, DType::kBF16);
  expect_error(convert(dir / "hf", dir / "hf"), ErrorCode::kUsage, "the same");
  fs::create_directory(dir / "d.gguf");
  expect_error(convert(dir / "hf", dir / "d.gguf"), ErrorCode::kUsage, "a directory");
  expect_error(convert(dir / "none", dir / "x.gguf"), ErrorCode::kNotFound, "none");
}

TEST(Convert, StopsWhenToldToAndLeavesNothing) {
  const TempDir dir;
  write_directory(dir / "hf", DType::kBF16, DType::kBF16);
  ConvertOptions options;
  options.progress = [](const ConvertProgress& at) -> Status {
    EXPECT_LE(at.bytes_done, at.bytes_total);
    return Error::cancelled("enough");
  };
  for (const char* output : {"m.gguf", "copy"}) {
    expect_error(adder::convert(dir / "hf", dir / output, options), ErrorCode::kCancelled, "enough");
    EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
  }
}

}  // namespace
}  // namespace adder
