#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.h"

namespace adder {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Outcome generate(std::vector<std::string> more, std::string input = {}) {
  std::vector<std::string> arguments = {"run", tiny_model(), "--threads", "1"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_adder({.arguments = arguments, .input = std::move(input)});
}

TEST(Run, StreamsTextToStandardOutputAndAllElseToStandardError) {
  const Outcome plain = generate({"-p", "Once upon a time", "-n", "24", "--seed", "3"});
  ASSERT_EQ(plain.status, 0) << plain.err;
  EXPECT_THAT(plain.err, HasSubstr("tokens/s"));
  EXPECT_THAT(plain.out, Not(HasSubstr("tokens/s")));

  const Outcome json = generate({"-p", "Once upon a time", "-n", "24", "--seed", "3", "--json"});
  ASSERT_EQ(json.status, 0) << json.err;
  const auto answer = json.json();
  EXPECT_EQ(answer["text"].get<std::string>() + "\n", plain.out);
  EXPECT_EQ(answer["generated_tokens"], answer["token_ids"].size());
  EXPECT_LE(answer["generated_tokens"], 24);
  EXPECT_GT(answer["generate_tokens_per_s"], 0);
}

TEST(Run, SeedDecides) {
  const auto text = [](const std::string& seed, const std::string& threads) {
    return run_adder(
               {"run", tiny_model(), "-p", "The sea", "-n", "24", "--temp", "1", "--seed", seed, "--threads", threads})
        .out;
  };
  const std::string first = text("1", "1");
  EXPECT_EQ(text("1", "2"), first);
  EXPECT_NE(text("2", "1"), first);
}

TEST(Run, DashReadsStandardInput) {
  const Outcome option = generate({"-p", "a prompt\nof two lines", "-n", "8"});
  const Outcome input = generate({"-p", "-", "-n", "8"}, "a prompt\nof two lines");
  EXPECT_EQ(input.status, 0) << input.err;
  EXPECT_EQ(input.out, option.out);
}

TEST(Run, AnyBytesAreAPrompt) {
  EXPECT_EQ(generate({"-p", "-", "-n", "2"}, std::string("\xff\xfe\x00\x80 half \xe2\x82", 13)).status, 0);
}

TEST(Run, ZeroTokensIsAnAnswer) {
  const Outcome outcome = generate({"-p", "x", "-n", "0"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "\n");
}

TEST(Run, StopTextEndsTheAnswer) {
  const auto whole = generate({"-p", "x", "-n", "40", "--temp", "0", "--ignore-eos", "--json"}).json();
  const std::string text = whole["text"];
  ASSERT_GT(text.size(), 8u);
  size_t begin = text.size() / 2;
  while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) ++begin;
  size_t end = begin + 3;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  const std::string stop = text.substr(begin, end - begin);
  const auto stopped =
      generate({"-p", "x", "-n", "40", "--temp", "0", "--ignore-eos", "--json", "--stop", stop}).json();
  EXPECT_EQ(stopped["text"], text.substr(0, text.find(stop)));
  EXPECT_EQ(stopped["finish_reason"], "stop");
}

TEST(Run, APromptLongerThanTheContextIsRefused) {
  std::string prompt;
  for (int i = 0; i < 400; ++i) prompt += "word ";
  const Outcome outcome = generate({"-p", prompt, "--context", "16"});
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.err, HasSubstr("16"));
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST(Run, AnAnswerThatFillsTheContextSaysSo) {
  const Outcome outcome = generate({"-p", "x", "-n", "100", "--context", "24", "--ignore-eos"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("full context"));
}

TEST(Run, CtrlCEndsWithWhatThereIs) {
  const Outcome outcome =
      run_adder({.arguments = {"run", tiny_model(), "-p", "x", "-n", "100000", "--context", "200000", "--ignore-eos"},
                 .interrupt_after_bytes = 20});
  EXPECT_EQ(outcome.status, 130) << outcome.err;
  EXPECT_GE(outcome.out.size(), 20u);
  EXPECT_THAT(outcome.err, HasSubstr("tokens/s"));
  EXPECT_THAT(outcome.err, HasSubstr("cancelled"));
}

TEST(Run, WorkingDirectoryPlaysNoPart) {
  const Outcome here =
      run_adder({.arguments = {"run", "-p", "x", "-n", "4"}, .environment = {{"ADDER_MODEL", tiny_model()}}});
  const Outcome there = run_adder(
      {.arguments = {"run", "-p", "x", "-n", "4"}, .environment = {{"ADDER_MODEL", tiny_model()}}, .directory = "/"});
  EXPECT_EQ(here.status, 0) << here.err;
  EXPECT_EQ(there.out, here.out);
}

TEST(Run, AFullDiskIsReported) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const Outcome outcome =
      run_adder({.arguments = {"run", tiny_model(), "-p", "x", "-n", "4"}, .out_path = "/dev/full"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("standard output"));
}

TEST(Isa, CanBeForcedToScalarWithTheSameText) {
  const Outcome best = generate({"-p", "The sea", "-n", "8"});
  const Outcome scalar = run_adder(
      {.arguments = {"run", tiny_model(), "-p", "The sea", "-n", "8"}, .environment = {{"ADDER_ISA", "scalar"}}});
  EXPECT_EQ(scalar.status, 0) << scalar.err;
  EXPECT_THAT(scalar.err, HasSubstr("scalar"));
  EXPECT_EQ(scalar.out, best.out);
}

TEST(Isa, AnUnknownOneIsAnError) {
  const Outcome outcome =
      run_adder({.arguments = {"run", tiny_model(), "-p", "x"}, .environment = {{"ADDER_ISA", "mmx"}}});
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.err, HasSubstr("mmx"));
  EXPECT_THAT(outcome.err, HasSubstr("scalar"));
}

}  // namespace
}  // namespace adder
