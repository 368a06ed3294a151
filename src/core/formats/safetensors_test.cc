#include "core/formats/safetensors.h"

#include <gmock/gmock.h>

#include "core/formats/testing/safetensors_bytes.h"

namespace adder {
namespace {

using testing::safetensors_file;
using testing::safetensors_length;

Result<Safetensors> parse(const std::string& bytes) {
  return Safetensors::parse(std::as_bytes(std::span(bytes)), "m.safetensors");
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirData) {
  const std::string bytes = safetensors_file(R"({"b": {"dtype": "BF16", "shape": [2, 1, 3], "data_offsets": [8, 20]},
               "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
               "empty": {"dtype": "I64", "shape": [3, 0], "data_offsets": [8, 8]},
               "scale": {"dtype": "F32", "shape": [], "data_offsets": [20, 24]},
               "__metadata__": {"format": "pt"}})",
                                             24);
  const auto result = Safetensors::parse(std::as_bytes(std::span(bytes)), "m.safetensors");
  ASSERT_TRUE(result) << result.error().message();
  std::vector<std::string> names;
  for (const auto& tensor : result->tensors()) names.push_back(tensor.name);
  EXPECT_THAT(names, ::testing::ElementsAre("a", "empty", "b", "scale"));
  EXPECT_EQ(result->find_tensor("b")->shape, Shape({2, 1, 3}));
  EXPECT_EQ(result->find_tensor("b")->dtype, DType::kBF16);
  EXPECT_EQ(result->find_tensor("b")->span().size(), 12u);
  EXPECT_EQ(result->find_tensor("b")->data - result->find_tensor("a")->data, 8);
  EXPECT_EQ(result->find_tensor("empty")->span().size(), 0u);
  EXPECT_EQ(result->find_tensor("scale")->shape.rank(), 0);
  EXPECT_EQ(result->find_tensor("scale")->span().size(), 4u);
  EXPECT_EQ(result->find_tensor("c"), nullptr);
  EXPECT_EQ(result->metadata().at("format"), "pt");
}

TEST(Safetensors, ReadsEveryDtypeItClaims) {
  for (const DTypeInfo& row : all_dtypes()) {
    if (row.safetensors.empty()) continue;
    const auto n = static_cast<size_t>(row.block_bytes) * 3;
    const std::string entry =
        fmt::format(R"({{"w": {{"dtype": "{}", "shape": [3], "data_offsets": [0, {}]}}}})", row.safetensors, n);
    const auto result = parse(safetensors_file(entry, n));
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->find_tensor("w")->dtype, row.dtype);
  }
}

TEST(Safetensors, ReadsAFileWithoutTensors) {
  EXPECT_TRUE(parse(safetensors_file("{}", 0)));
  EXPECT_TRUE(parse(safetensors_length(2) + "{}"));
}

}  // namespace
}  // namespace adder
