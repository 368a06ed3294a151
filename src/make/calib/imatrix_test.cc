#include "make/calib/imatrix.h"

#include <gmock/gmock.h>

#include <limits>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/gguf.h"
#include "core/formats/gguf_writer.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;
using ::testing::IsEmpty;
using testing::TempDir;

TensorSpec matrix(const std::string& name, int64_t columns) {
  return {.role = Role::kUp, .shape = {8, columns}, .gguf_name = name, .is_matrix = true};
}

Imatrix sample() {
  Imatrix imatrix;
  imatrix.datasets = {"one.txt", "two.txt"};
  imatrix.chunk_count = 3;
  imatrix.chunk_size = 512;
  imatrix.entries["blk.0.ffn_up.weight"] = {{2, 0, 6}, {4}};
  imatrix.entries["blk.1.ffn_up.weight"] = {{0, 0}, {0}};
  return imatrix;
}

TEST(Imatrix, ComesBackFromItsFile) {
  const TempDir dir;
  const Imatrix written = sample();
  ASSERT_TRUE(written.write(dir / "x.imatrix"));
  const auto read = Imatrix::read(dir / "x.imatrix");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->datasets, written.datasets);
  EXPECT_EQ(read->chunk_count, 3u);
  EXPECT_EQ(read->chunk_size, 512u);
  EXPECT_EQ(read->entries, written.entries);
  EXPECT_EQ(read->fingerprint(), written.fingerprint());
  Imatrix other = written;
  other.entries["blk.0.ffn_up.weight"].sums[1] = 1;
  EXPECT_NE(other.fingerprint(), written.fingerprint());
}

TEST(Imatrix, ImportanceIsTheMeanSquare) {
  const Imatrix imatrix = sample();
  EXPECT_THAT(imatrix.importance(matrix("blk.0.ffn_up.weight", 3)).value(), ElementsAre(0.5f, 0, 1.5f));
  EXPECT_THAT(imatrix.importance(matrix("blk.1.ffn_up.weight", 2)).value(), ElementsAre(1, 1)) << "nothing seen";
  EXPECT_THAT(imatrix.importance(matrix("blk.2.ffn_up.weight", 2)).value(), IsEmpty()) << "not there";
  expect_error(imatrix.importance(matrix("blk.0.ffn_up.weight", 4)), ErrorCode::kUsage, "blk.0.ffn_up.weight",
               "4 columns", "3");
}

TEST(Imatrix, KeepsGrams) {
  const TempDir dir;
  Imatrix written = sample();
  const std::string before = written.fingerprint();
  written.grams["blk.0.ffn_up.weight"] = {3, {2, 0, -1, 0, 0, 0, -1, 0, 6}};
  EXPECT_NE(written.fingerprint(), before);
  ASSERT_TRUE(written.write(dir / "x.imatrix"));
  const auto read = Imatrix::read(dir / "x.imatrix");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->entries, written.entries);
  EXPECT_EQ(read->grams, written.grams);
  EXPECT_EQ(read->fingerprint(), written.fingerprint());
}

/// A file of the format, but for what a test changes.
struct Draft {
  std::string type = "imatrix";
  std::vector<float> sums = {1, 2, 3};
  Shape sums_shape = {1, 3}, counts_shape = {1, 1};
  DType counts_type = DType::kF32;
  bool with_sums = true, with_counts = true;
  Shape gram_shape = {};  ///< none
  float gram_value = -1;
};

Result<Imatrix> read_draft(const Draft& draft) {
  const TempDir dir;
  GgufWriter writer;
  writer.set("general.type", draft.type);
  writer.set_texts("imatrix.datasets", {"x"});
  writer.set_u32("imatrix.chunk_count", 1);
  writer.set_u32("imatrix.chunk_size", 8);
  if (draft.with_sums) writer.add_tensor("w.in_sum2", DType::kF32, draft.sums_shape);
  if (draft.with_counts) writer.add_tensor("w.counts", draft.counts_type, draft.counts_shape);
  if (draft.gram_shape.rank() > 0) writer.add_tensor("w.gram", DType::kF32, draft.gram_shape);
  EXPECT_TRUE(writer.begin(dir / "x"));
  if (draft.with_sums) {
    EXPECT_TRUE(writer.write_tensor(std::as_bytes(std::span(draft.sums))));
  }
  const Tensor counts(draft.counts_type, draft.counts_shape);
  if (draft.with_counts) {
    EXPECT_TRUE(writer.write_tensor(counts.view().span()));
  }
  if (draft.gram_shape.rank() > 0) {
    const std::vector<float> gram(static_cast<size_t>(draft.gram_shape.elements()), draft.gram_value);
    EXPECT_TRUE(writer.write_tensor(std::as_bytes(std::span(gram))));
  }
  EXPECT_TRUE(writer.finish());
  return Imatrix::read(dir / "x");
}

TEST(Imatrix, RefusesWhatIsNone) {
  EXPECT_TRUE(read_draft({}));
  EXPECT_TRUE(read_draft({.sums_shape = {3}, .counts_shape = {1}})) << "as llama.cpp writes single matrices";
  EXPECT_TRUE(read_draft({.sums_shape = {3, 1}, .counts_shape = {3, 1}})) << "three experts";
  expect_error(read_draft({.type = "model"}), ErrorCode::kUnsupported, "general.type is model", "imatrix");
  expect_error(read_draft({.with_counts = false}), ErrorCode::kCorrupt, "w.counts is missing");
  expect_error(read_draft({.with_sums = false}), ErrorCode::kCorrupt, "w.in_sum2 is missing");
  expect_error(read_draft({.counts_shape = {2, 1}}), ErrorCode::kCorrupt, "1 matrices", "2");
  expect_error(read_draft({.counts_type = DType::kF16}), ErrorCode::kCorrupt, "w.counts", "F16");
  expect_error(read_draft({.sums = {1, -1, 0}}), ErrorCode::kCorrupt, "w.in_sum2", "element 1 is -1");
  expect_error(read_draft({.sums = {1, 1, std::numeric_limits<float>::quiet_NaN()}}), ErrorCode::kCorrupt, "nan");
  EXPECT_TRUE(read_draft({.gram_shape = {3, 3}}));
  expect_error(read_draft({.gram_shape = {3, 2}}), ErrorCode::kCorrupt, "w.gram", "[3, 2]", "all 3 columns");
  expect_error(read_draft({.gram_shape = {4, 4}}), ErrorCode::kCorrupt, "w.gram");
  expect_error(read_draft({.gram_shape = {9}}), ErrorCode::kCorrupt, "w.gram");
  expect_error(read_draft({.with_sums = false, .with_counts = false, .gram_shape = {3, 3}}), ErrorCode::kCorrupt,
               "w.in_sum2 is missing");
  expect_error(read_draft({.gram_shape = {3, 3}, .gram_value = std::numeric_limits<float>::infinity()}),
               ErrorCode::kCorrupt, "w.gram", "inf");
}

}  // namespace
}  // namespace adder
