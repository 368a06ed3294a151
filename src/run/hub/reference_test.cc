#include "run/hub/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace adder {
namespace {

const std::string kPin(40, 'a');

TEST(Reference, HasUpToFourParts) {
  const auto plain = parse_reference("nvidia/Nano-4B_v1.0");
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->organization, "nvidia");
  EXPECT_EQ(plain->name, "Nano-4B_v1.0");
  EXPECT_EQ(plain->revision, "main");
  EXPECT_EQ(plain->type, "");
  EXPECT_EQ(plain->repository(), "nvidia/Nano-4B_v1.0");

  const auto full = parse_reference("a/b@refs/pr/3:UD-Q4_K_XL");
  ASSERT_TRUE(full) << full.error().message();
  EXPECT_EQ(full->revision, "refs/pr/3");
  EXPECT_EQ(full->type, "UD-Q4_K_XL");
  EXPECT_FALSE(full->is_pinned());

  EXPECT_TRUE(parse_reference("a/b@" + kPin)->is_pinned());
  EXPECT_FALSE(parse_reference("a/b@" + std::string(40, 'A'))->is_pinned());
}

TEST(Reference, TextIsWhatWasWritten) {
  for (const std::string text : {"a/b", "a/b:Q8_0", "a/b@v1", "a/b@v1:model.gguf"})
    EXPECT_EQ(parse_reference(text)->text(), text);
  EXPECT_EQ(parse_reference("a/b@main:x")->text(), "a/b:x");
}

TEST(Reference, AllElseIsRefused) {
  for (const std::string text : {"",        "a",          "a/",
                                 "/b",      "a/b/c",      "a/..",
                                 "../a",    "./a",        "a/.b",
                                 "-a/b",    "a/b-",       "a/b--c",
                                 "a/b..c",  "a/b.git",    "a b/c",
                                 "a/b:",    "a/b@",       "a/b@:x",
                                 "a/b@..",  "a/b@x/../y", "a/b@/x",
                                 "a/b@-x",  "a/b:../x",   "a/b:x/y",
                                 "a/b:x:y", "a/b@c@d",    "https://huggingface.co/a/b",
                                 "a/b?c",   "a/b#c",      "a/b%2e",
                                 "a\\b",    "\xc3\xa4/b"}) {
    const auto parsed = parse_reference(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kUsage);
  }
  EXPECT_FALSE(parse_reference(std::string_view("a/b\0c", 5)));
  EXPECT_TRUE(parse_reference("a/" + std::string(94, 'b')));
  EXPECT_FALSE(parse_reference("a/" + std::string(95, 'b')));
}

TEST(Reference, MissingFilesAreNotLookedForOnTheHub) {
  EXPECT_TRUE(looks_like_reference("nvidia/nano"));
  EXPECT_TRUE(looks_like_reference("nvidia/nano:model.gguf"));
  for (const std::string path : {"models/nano.gguf", "hf/model.safetensors", "hf/config.json", "/tmp/nano", "nano",
                                 "./nano", "../models/nano", "models/nano/"})
    EXPECT_FALSE(looks_like_reference(path)) << path;
}

}  // namespace
}  // namespace adder
