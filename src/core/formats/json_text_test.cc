#include "core/formats/json_text.h"

#include <gtest/gtest.h>

#include "core/formats/json.h"

namespace adder {
namespace {

TEST(PythonJson, WordsForWhatJsonHasNoNumberFor) {
  const std::string text = R"({"limit":[0.0,Infinity],"low":-Infinity,"text":"Infinity","what":{"nan":NaN}})";
  const auto value = parse_json(text, "config", JsonNumbers::kPython);
  ASSERT_TRUE(value) << value.error().message();
  EXPECT_EQ(python_json(*value), text);
  EXPECT_EQ(python_json({{"a", 1}}, 2), "{\n  \"a\": 1\n}");
}

}  // namespace
}  // namespace adder
