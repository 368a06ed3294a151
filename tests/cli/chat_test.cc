#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/check.h"
#include "core/formats/gguf_writer.h"
#include "core/formats/sampling_advice.h"
#include "program.h"

namespace adder {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// The tiny model as one made for conversations.
Status write_chat_model(const std::string& target, const std::vector<GgufEntry>& more = {}) {
  TRY_ASSIGN(const Gguf source, Gguf::open(tiny_model()));
  GgufWriter writer;
  for (const GgufEntry& entry : source.metadata()) writer.set(entry);
  for (const GgufEntry& entry : more) writer.set(entry);
  writer.set(
      "tokenizer.chat_template",
      "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n"
      "{% if m.role == 'system' and not loop.first %}{{ raise_exception('system comes first') }}{% endif %}"
      "{% endfor %}{% if add_generation_prompt %}[assistant] {% if enable_thinking %}<think>\n{% endif %}{% endif %}"
      "{# </think> #}");
  for (const NamedTensor& tensor : source.tensors())
    writer.add_tensor(tensor.name, tensor.view.dtype, tensor.view.shape);
  TRY(writer.begin(target));
  for (const NamedTensor& tensor : source.tensors()) TRY(writer.write_tensor({tensor.view.data, tensor.view.bytes()}));
  return writer.finish();
}

const std::string& chat_model() {
  static const std::string path = [] {
    const std::string target = scratch() / "chat.gguf";
    const Status written = write_chat_model(target);
    CHECK(written.has_value(), "{}", written.error().message());
    return target;
  }();
  return path;
}

Outcome chat(const std::string& input, std::vector<std::string> more = {}, const std::string& model = chat_model(),
             int tokens = 12) {
  std::vector<std::string> arguments = {"chat", model, "--threads", "1", "--temp", "0", "-n", std::to_string(tokens)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_adder({.arguments = arguments, .input = input});
}

nlohmann::json saved(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

std::string roles(const nlohmann::json& conversation) {
  std::string all;
  for (const nlohmann::json& message : conversation["messages"]) all += message["role"].get<std::string>().substr(0, 1);
  return all;
}

TEST(Chat, AnswersEachLineAndNothingElseIsOnStandardOutput) {
  const std::string file = scratch() / "two.json";
  const Outcome outcome = chat("hello\nand\\\nmore\n/save " + file + "\n", {"--no-think"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const nlohmann::json conversation = saved(file);
  EXPECT_EQ(roles(conversation), "uaua");
  EXPECT_EQ(conversation["messages"][2]["content"], "and\nmore");
  std::string answers;
  for (const size_t i : {1, 3}) answers += conversation["messages"][i]["content"].get<std::string>() + "\n";
  EXPECT_EQ(outcome.out, answers);
}

TEST(Chat, ReasoningGoesToStandardError) {
  const std::string file = scratch() / "thinking.json";
  const Outcome outcome = chat("hello\n/save " + file + "\n");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "\n");
  const std::string reasoning = saved(file)["messages"][1]["reasoning_content"];
  EXPECT_THAT(outcome.err, HasSubstr(reasoning));
}

/// Reasoning ends after the tokens it may have, and the answer follows.
TEST(Chat, ThinkingBudgetEndsTheReasoning) {
  const std::string file = scratch() / "budget.json";
  const auto message = [&](const std::vector<std::string>& options, const std::string& before = "") {
    const std::string input = before + "hello\n/stats\n/save " + file + "\n";
    const Outcome outcome = chat(input, options, chat_model(), 40);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out, saved(file)["messages"][1]["content"].get<std::string>() + "\n");
    return std::pair(saved(file)["messages"][1], outcome.err);
  };
  const auto [whole, all_of_it] = message({});
  EXPECT_EQ(whole["content"], "") << "it never ends by itself";
  const auto [cut, stats] = message({"--think-budget", "5"});
  const std::string reasoning = cut["reasoning_content"], longer = whole["reasoning_content"];
  EXPECT_TRUE(longer.starts_with(reasoning)) << reasoning;
  EXPECT_LT(reasoning.size(), longer.size());
  EXPECT_NE(cut["content"], "");
  EXPECT_THAT(stats, HasSubstr("thinking for at most 5 tokens"));
  EXPECT_THAT(stats, HasSubstr("5 of them reasoning"));
  EXPECT_EQ(message({}, "/think 5\n").first, cut);
  EXPECT_FALSE(message({"--reasoning-budget", "0"}).first.contains("reasoning_content"));
  EXPECT_EQ(message({"--think-budget", "-1"}).first, whole);
  EXPECT_EQ(chat("x\n", {"--think-budget", "-2"}).status, 2);
}

/// A model that comes with advice on sampling is asked by it, and flags change it.
TEST(Chat, SamplesAsTheFileAdvises) {
  const std::string file = scratch() / "advised.gguf", bad = scratch() / "badly-advised.gguf";
  const auto with_advice = [](const std::string& target, float temperature) {
    return write_chat_model(target, gguf_entries({.temperature = temperature, .top_p = 0.5f, .top_k = 7}));
  };
  ASSERT_TRUE(with_advice(file, 0.25f));
  const auto stats = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"chat", file, "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_adder({.arguments = arguments, .input = "/stats\n"}).err;
  };
  EXPECT_THAT(stats({}), HasSubstr("[sampling: temperature 0.25, top-k 7, top-p 0.5, min-p 0.05, as the model's file"));
  EXPECT_THAT(stats({"--temp", "0.7", "--top-k", "0"}), HasSubstr("[sampling: temperature 0.7, top-k 0, top-p 0.5,"));
  EXPECT_THAT(stats({"--temp", "0"}), HasSubstr("[sampling: the likeliest token]"));

  const Outcome run = run_adder({"run", file, "-p", "x", "-n", "2", "--top-p", "0.75"});
  EXPECT_THAT(run.err, HasSubstr("Sampling: temperature 0.25, top-k 7, top-p 0.75"));
  const auto json = run_adder({"run", file, "-p", "x", "-n", "2", "--json"}).json();
  EXPECT_EQ(json["temperature"], 0.25);
  EXPECT_EQ(json["top_k"], 7);
  EXPECT_EQ(run_adder({"run", tiny_model(), "-p", "x", "-n", "2", "--json"}).json()["top_k"], 40);

  ASSERT_TRUE(with_advice(bad, -1));
  const Outcome refused = run_adder({"run", bad, "-p", "x"});
  EXPECT_EQ(refused.status, 4);
  EXPECT_THAT(refused.err, HasSubstr("temperature -1"));
}

TEST(Chat, CommandsChangeTheConversation) {
  const auto after = [](const std::string& commands) {
    const std::string file = scratch() / "commands.json";
    const Outcome outcome = chat(commands + "/save " + file + "\n", {"--no-think"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return roles(saved(file));
  };
  EXPECT_EQ(after("a\nb\n/undo\n"), "ua");
  EXPECT_EQ(after("a\n/regen\n"), "ua");
  EXPECT_EQ(after("/system be kind\na\n"), "sua");
  EXPECT_EQ(after("/system be kind\na\n/reset\n"), "s");
  EXPECT_EQ(after("/system be kind\na\n/system\n"), "ua");
  EXPECT_EQ(after("/think on\n/stats\n/help\n\n"), "");
}

TEST(Chat, GoesOnWithASavedConversation) {
  const std::string file = scratch() / "half.json", again = scratch() / "again.json";
  ASSERT_EQ(chat("one\n/save " + file + "\n", {"--no-think"}).status, 0);
  const Outcome whole = chat("one\ntwo\n", {"--no-think"});
  const Outcome half = chat("two\n/save " + again + "\n", {"--no-think", "--load", file});
  ASSERT_EQ(half.status, 0) << half.err;
  EXPECT_TRUE(whole.out.ends_with(half.out));
  EXPECT_EQ(roles(saved(again)), "uaua");
}

TEST(Chat, ALongConversationCostsTheNewTurn) {
  std::string long_text;
  for (int i = 0; i < 100; ++i) long_text += "many words ";
  const Outcome outcome = chat(long_text + "\n/stats\nshort\n/stats\n", {"--no-think"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr(" 0 of them known from before"));
  const size_t last = outcome.err.rfind("prompt ");
  int prompt = 0, known = 0;
  ASSERT_EQ(std::sscanf(outcome.err.c_str() + last, "prompt %d tokens, %d of them", &prompt, &known), 2);
  EXPECT_GT(prompt, 200);
  EXPECT_GE(known, prompt - 3 * 64) << outcome.err;
}

TEST(Chat, AScriptEndsWithTheFirstError) {
  const auto fails = [](const std::string& input, int status, const std::string& message) {
    const Outcome outcome = chat(input + "\nnever said\n", {"--no-think"});
    EXPECT_EQ(outcome.status, status) << input;
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_THAT(outcome.out, IsEmpty()) << input;
  };
  fails("/sing", 2, "/help lists");
  fails("/undo", 2, "nothing to take back");
  fails("/regen", 2, "no answer");
  fails("/result x", 2, "no tool call");
  fails("/load /nowhere.json", 3, "/nowhere.json");
  fails("/think maybe", 2, "/think on");
  fails("/think -3", 2, "/think on");
  fails("/think 3x", 2, "/think on");
}

TEST(Chat, BadFilesAreNamed) {
  const std::string file = scratch() / "bad.json";
  const auto with = [&](const std::string& text, const std::string& option) {
    std::ofstream(file) << text;
    return chat("x\n", {option, file});
  };
  EXPECT_EQ(with("{", "--load").status, 4);
  EXPECT_THAT(with("[{\"content\": \"x\"}]", "--load").err, HasSubstr("bad.json: message 0 has no role"));
  EXPECT_THAT(with("{\"a\": 1}", "--tools").err, HasSubstr("expected a list of tools"));
  EXPECT_EQ(with(std::string(100000, '['), "--tools").status, 4);
  const Outcome refused = with(R"([{"role": "user", "content": "x"}, {"role": "system", "content": "y"}])", "--load");
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("system comes first"));
}

TEST(Chat, AConversationLongerThanTheContextIsRefused) {
  const Outcome outcome = chat("one two three four five six seven eight nine ten\n", {"--context", "16"});
  EXPECT_EQ(outcome.status, 6);
  EXPECT_THAT(outcome.err, HasSubstr("16"));
}

TEST(Chat, WithoutATemplateTheModelGoesOnWithTheText) {
  const Outcome outcome = chat("Once upon a time\n", {}, tiny_model());
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("no chat template"));
  EXPECT_THAT(outcome.out, Not(IsEmpty()));
}

TEST(Chat, CtrlCEndsAScript) {
  const Outcome outcome = run_adder({.arguments = {"chat", chat_model(), "--no-think", "--context", "200000"},
                                     .input = "go on\n",
                                     .interrupt_after_bytes = 10});
  EXPECT_GE(outcome.out.size(), 10u);
  EXPECT_TRUE(outcome.status == 130 || outcome.status == 0) << outcome.status;
}

TEST(Run, SaysThatItHoldsNoConversation) {
  const Outcome outcome = run_adder({"run", chat_model(), "-p", "x", "-n", "1"});
  EXPECT_THAT(outcome.err, HasSubstr("raw completion"));
  EXPECT_THAT(outcome.err, HasSubstr("adder chat"));
  EXPECT_THAT(run_adder({"run", tiny_model(), "-p", "x", "-n", "1"}).err, Not(HasSubstr("adder chat")));
}

}  // namespace
}  // namespace adder
