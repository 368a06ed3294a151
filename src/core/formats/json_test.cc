#include "core/formats/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/testing/expect_error.h"
#include "core/base/testing/temp_dir.h"

namespace adder {
namespace {

using testing::expect_error;

TEST(ParseJson, BuildsWhatTheTextSays) {
  const auto value = parse_json(
      R"( {"a": [1, -2, 2.5, true, null, "x\u00e9"], "b": {"c": {}, "d": []}, "": 18446744073709551615} )", "c.json");
  ASSERT_TRUE(value) << value.error().message();
  EXPECT_EQ(value->at("a").size(), 6u);
  EXPECT_TRUE(value->at("a")[0].is_number_unsigned());
  EXPECT_EQ(value->at("a")[1], -2);
  EXPECT_EQ(value->at("a")[2], 2.5);
  EXPECT_EQ(value->at("a")[3], true);
  EXPECT_TRUE(value->at("a")[4].is_null());
  EXPECT_EQ(value->at("a")[5], "x\xc3\xa9");
  EXPECT_TRUE(value->at("b").at("c").is_object());
  EXPECT_TRUE(value->at("b").at("d").is_array());
  EXPECT_EQ(value->at("").get<uint64_t>(), 18446744073709551615u);
}

TEST(ParseJson, TakesScalarsAtTheTop) {
  EXPECT_EQ(parse_json("7", "c.json").value(), 7);
  EXPECT_EQ(parse_json("\"x\"", "c.json").value(), "x");
}

TEST(ParseJson, SaysAtWhichByteTheTextBreaks) {
  expect_error(parse_json("", "c.json"), ErrorCode::kCorrupt, "c.json", "not JSON at byte 1");
  expect_error(parse_json("{\"a\": 1,}", "c.json"), ErrorCode::kCorrupt, "c.json", "not JSON at byte 9");
  expect_error(parse_json("[1] [2]", "c.json"), ErrorCode::kCorrupt, "not JSON at byte 5");
  expect_error(parse_json("{\"a\": NaN}", "c.json"), ErrorCode::kCorrupt, "not JSON at byte 7");
}

TEST(ParseJson, RefusesZeroBytes) {
  expect_error(parse_json(std::string_view("{}\0[", 4), "c.json"), ErrorCode::kCorrupt, "not JSON at byte 3");
  expect_error(parse_json(std::string_view("\"\0\"", 3), "c.json"), ErrorCode::kCorrupt, "not JSON at byte 2");
}

TEST(ParseJson, RefusesInvalidUtf8) {
  expect_error(parse_json("\"\xff\"", "c.json"), ErrorCode::kCorrupt, "not JSON at byte 2");
  expect_error(parse_json("{\"\xed\xa0\x80\": 1}", "c.json"), ErrorCode::kCorrupt, "not JSON at byte 4");
}

TEST(ParseJson, RefusesNumbersPastDouble) {
  expect_error(parse_json("[1e999]", "c.json"), ErrorCode::kCorrupt, "c.json", "1e999");
}

Result<nlohmann::json> parse_python(std::string_view text) {
  return parse_json(text, "c.json", JsonNumbers::kPython);
}

/// What `json.dumps([0.0, math.inf, -math.inf, math.nan])` writes.
TEST(ParseJson, TakesPythonsWordsForNumbersWhereAskedTo) {
  const auto list = parse_python("[0.0, Infinity, -Infinity, NaN, -7, 1e3]");
  ASSERT_TRUE(list) << list.error().message();
  EXPECT_EQ(list->at(0), 0.0);
  EXPECT_EQ(list->at(1), std::numeric_limits<double>::infinity());
  EXPECT_EQ(list->at(2), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(list->at(3).get<double>()));
  EXPECT_EQ(list->at(4), -7);
  EXPECT_EQ(list->at(5), 1000.0);

  const auto object = parse_python(R"({"a":-1,"b":[Infinity,2],"c":{"d":-Infinity},"e":1.5e-2})");
  ASSERT_TRUE(object) << object.error().message();
  EXPECT_EQ(object->at("b").at(0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(object->at("b").at(1), 2);
  EXPECT_EQ(object->at("c").at("d"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(object->at("e"), 0.015);
  EXPECT_TRUE(std::isnan(parse_python("NaN")->get<double>()));

  expect_error(parse_json("[Infinity]", "c.json"), ErrorCode::kCorrupt, "not JSON at byte 2");
}

TEST(ParseJson, LeavesPythonsWordsInTextAlone) {
  const auto object = parse_python(R"({"Infinity": [1, " NaN", "\" , Infinity ,\\", "\\"], "n": NaN})");
  ASSERT_TRUE(object) << object.error().message();
  EXPECT_EQ(object->at("Infinity"), nlohmann::json({1, " NaN", "\" , Infinity ,\\", "\\"}));
  EXPECT_TRUE(std::isnan(object->at("n").get<double>()));
}

TEST(ParseJson, RefusesPythonsWordsWhereNoValueMayStand) {
  for (const char* text : {"{NaN: 1}", "[1Infinity]", "[Infinity1]", "[Infinity.5]", "[--Infinity]", "[- Infinity]",
                           "[+Infinity]", "[NaNNaN]", "[NaN NaN]", "[1 NaN]", "[Infinit]", "[infinity]", "[nan]",
                           "[-NaN]", "Infinity,", "[\"a\"NaN]", "[nullNaN]"})
    expect_error(parse_python(text), ErrorCode::kCorrupt, "c.json: not JSON at byte");
  expect_error(parse_python("[NaN, Infinity, x]"), ErrorCode::kCorrupt, "not JSON at byte 17");
}

TEST(ParseJson, RefusesAKeyTwiceInOneObject) {
  expect_error(parse_json(R"({"a": 1, "b": {"a": 2, "c": 3, "c": 4}})", "c.json"), ErrorCode::kCorrupt, "c.json",
               "key 'c' is there twice");
  EXPECT_TRUE(parse_json(R"({"a": {"a": [{"a": 1}, {"a": 2}]}})", "c.json"));
}

TEST(ParseJson, RefusesDeepNesting) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(100), "c.json"));
  expect_error(parse_json(nested(101), "c.json"), ErrorCode::kCorrupt, "c.json", "nested deeper than 100");
  expect_error(parse_json(std::string(10'000'000, '['), "c.json"), ErrorCode::kCorrupt, "nested deeper than 100");
  std::string objects;
  for (int i = 0; i < 1000; ++i) objects += "{\"k\":";
  expect_error(parse_json(objects, "c.json"), ErrorCode::kCorrupt, "nested deeper than 100");
}

TEST(ParseJson, KeepsMessagesShort) {
  expect_error(parse_json("\"" + std::string(1'000'000, 'x'), "c.json"), ErrorCode::kCorrupt, "not JSON at byte");
}

TEST(ReadJson, NamesTheFile) {
  const testing::TempDir dir;
  dir.put("config.json", "{");
  expect_error(read_json(dir / "config.json"), ErrorCode::kCorrupt, "config.json: not JSON at byte 2");
  expect_error(read_json(dir / "none.json"), ErrorCode::kNotFound, "none.json");
}

}  // namespace
}  // namespace adder
