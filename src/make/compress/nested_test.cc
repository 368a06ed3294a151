#include "make/compress/nested.h"

#include <gmock/gmock.h>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"
#include "core/formats/json.h"
#include "make/compress/models_for_test.h"
#include "make/convert/convert.h"
#include "make/quantize/carried_metadata.h"

namespace adder {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;

NestedRecord example(const ModelConfig& config) {
  ChildShape small = whole(config);
  small.d_model = 32;
  small.dropped_layers = {4};
  return {{4, 0}, {Axis::kHidden, Axis::kMambaHeads}, "abc", {{"small", small}}};
}

TEST(Nested, JsonRoundTrips) {
  const ModelConfig config = test::small_config();
  const auto json = nlohmann::json(to_json(example(config)));
  EXPECT_EQ(nested_from_json(json, config).value(), example(config));
}

TEST(Nested, DropsTheFrontOfTheList) {
  const ModelConfig config = test::small_config();
  EXPECT_THAT(without_layers(config, example(config), 2).dropped_layers, ElementsAre(0, 4));
  EXPECT_EQ(without_layers(config, example(config), 0), whole(config));
}

TEST(Nested, ABrokenRecordIsRefused) {
  const ModelConfig config = test::small_config();
  auto json = nlohmann::json(to_json(example(config)));
  json["drop_list"] = {4, 6, 4};
  json["permuted"] = {"d_model", "depth"};
  json["sizes"]["small"]["d_model"] = 65;
  json.erase("scores");
  expect_error(nested_from_json(json, config), ErrorCode::kCorrupt, "drop_list has 6", "drop_list has 4",
               "permuted has \"depth\"", "size small", "d_model is 65", "scores is missing");
}

/// The record goes where the model goes, in either layout and between them.
TEST(Nested, TravelsWithTheModel) {
  const testing::TempDir dir;
  const ModelConfig config = test::small_config();
  test::write_model(dir / "plain.gguf", config, test::random_values(1), DType::kBF16);
  EXPECT_EQ(read_nested(*test::open_bound(dir / "plain.gguf").file, config).value(), std::nullopt);

  const BoundModel plain = test::open_bound(dir / "plain.gguf");
  auto metadata = carried_metadata(plain).value();
  ASSERT_TRUE(set_nested(metadata, example(config)));
  std::vector<DType> types;
  for (const BoundTensor& tensor : plain.tensors) types.push_back(tensor.view.dtype);
  auto writer = CheckpointWriter::gguf(dir / "nested.gguf", config, types, metadata);
  ASSERT_TRUE(writer) << writer.error().message();
  for (const BoundTensor& tensor : plain.tensors) ASSERT_TRUE(writer->write_stored(tensor.view.span()));
  ASSERT_TRUE(writer->finish());

  ASSERT_TRUE(convert(dir / "nested.gguf", dir / "hf", {}));
  ASSERT_TRUE(convert(dir / "hf", dir / "again.gguf", {}));
  for (const char* const name : {"nested.gguf", "hf", "again.gguf"}) {
    const BoundModel model = test::open_bound(dir / name);
    const auto record = read_nested(*model.file, config);
    ASSERT_TRUE(record) << name << ": " << record.error().message();
    EXPECT_EQ(*record, example(config)) << name;
  }
}

}  // namespace
}  // namespace adder
