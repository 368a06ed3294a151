#include "make/problems/problem.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "make/problems/words.h"

namespace adder {
namespace {

std::vector<std::string> split(std::string text, const std::string& separator) {
  std::vector<std::string> parts;
  for (size_t at; (at = text.find(separator)) != std::string::npos; text.erase(0, at + separator.size()))
    parts.push_back(text.substr(0, at));
  parts.push_back(text);
  return parts;
}

std::string join(const std::vector<std::string>& parts, const std::string& separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) text += (i > 0 ? separator : "") + parts[i];
  return text;
}

// Readers of the prompts, who know nothing of how they were made.

std::string solve_recall(const std::string& prompt) {
  const std::string asked = split(prompt, ". ").back();
  const size_t at = prompt.find(asked) + asked.size();
  return prompt.substr(at, prompt.find('.', at) + 1 - at);
}

std::string solve_copying(const std::string& prompt) {
  const auto lines = split(prompt, "\n");
  auto words = split(lines[0].substr(7), " ");
  if (lines[1] == "The same words: ") return join(words, " ");
  if (lines[1] == "Backwards: ") return join({words.rbegin(), words.rend()}, " ");
  if (lines[1] == "The last word: ") return words.back();
  const std::string before = lines[1].substr(15, lines[1].size() - 17);
  return *std::next(std::ranges::find(words, before));
}

std::string solve_arithmetic(const std::string& prompt) {
  static const std::regex kBare(R"((\d+) ([-+*]) (\d+) = )"),
      kMore(R"(\w+ has (\d+) (\w+)s and is given (\d+) more.*)"),
      kLess(R"(\w+ has (\d+) (\w+)s and gives away (\d+)\..*)"), kBags(R"(\w+ fills (\d+) bags with (\d+) (\w+)s.*)");
  std::smatch m;
  const auto told = [](int number, const std::string& thing) { return fmt::format("{} {}s.", number, thing); };
  if (std::regex_match(prompt, m, kBare)) {
    const int a = std::stoi(m[1]), b = std::stoi(m[3]);
    return std::to_string(m[2] == "+" ? a + b : m[2] == "-" ? a - b : a * b);
  }
  if (std::regex_match(prompt, m, kMore)) return told(std::stoi(m[1]) + std::stoi(m[3]), m[2]);
  if (std::regex_match(prompt, m, kLess)) return told(std::stoi(m[1]) - std::stoi(m[3]), m[2]);
  return std::regex_match(prompt, m, kBags) ? told(std::stoi(m[1]) * std::stoi(m[2]), m[3]) : "?";
}

std::string solve_counting(const std::string& prompt) {
  const auto lines = split(prompt, "\n");
  const std::string word = lines[1].substr(19, lines[1].size() - 21);
  std::istringstream row(lines[0].substr(5));
  int n = 0;
  for (std::string other; row >> other;) n += other == word;
  return std::to_string(n);
}

std::string solve_formatting(const std::string& prompt) {
  const size_t colon = prompt.find(": ");
  const std::string how = prompt.substr(0, colon), given = prompt.substr(colon + 2, prompt.size() - colon - 4);
  auto items = split(given, ", ");
  if (how == "As a list") return "- " + join(items, "\n- ");
  if (how == "As a row of a table") return "| " + join(items, " | ") + " |";
  if (how == "In capitals") {
    std::string upper = given;
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return upper;
  }
  if (how == "In order of the alphabet") {
    std::ranges::sort(items);
    return join(items, ", ");
  }
  std::string json = "{";
  for (const std::string& item : items) {
    const auto pair = split(item, " is ");
    json += (json.size() > 1 ? ", \"" : "\"") + pair[0] + "\": " + pair[1];
  }
  return json + "}";
}

std::string solve_facts(const std::string& prompt) {
  std::map<std::string, std::string> place, animal, colour;
  std::map<std::string, std::string> in_place, with_animal, with_colour;
  const auto lines = split(prompt, "\n");
  std::istringstream words(lines[0]);
  for (std::string who, verb, what; words >> who >> verb >> what;) {
    if (verb != "likes") words >> what;  // after "in" or "a"
    what.pop_back();
    (verb == "lives" ? place : verb == "has" ? animal : colour)[who] = what;
    (verb == "lives" ? in_place : verb == "has" ? with_animal : with_colour)[what] = who;
  }
  static const std::regex kHome(R"(Question: Where does (\w+) live\?)"),
      kPet(R"(Question: Which animal does (\w+) have\?)"), kLikes(R"(Question: Who likes (\w+)\?)"),
      kIn(R"(Question: Who lives in (\w+)\?)"), kOwner(R"(Question: Where does the (\w+) live\?)");
  std::smatch m;
  if (std::regex_match(lines[1], m, kOwner)) return place[with_animal[m[1]]];
  if (std::regex_match(lines[1], m, kHome)) return place[m[1]];
  if (std::regex_match(lines[1], m, kPet)) return animal[m[1]];
  if (std::regex_match(lines[1], m, kLikes)) return with_colour[m[1]];
  return std::regex_match(lines[1], m, kIn) ? in_place[m[1]] : "?";
}

const std::map<std::string_view, std::string (*)(const std::string&)> kSolvers = {
    {"recall", solve_recall},     {"copying", solve_copying},       {"arithmetic", solve_arithmetic},
    {"counting", solve_counting}, {"formatting", solve_formatting}, {"facts", solve_facts},
};

TEST(Problems, AreAnsweredAsAReaderOfThePromptWouldAnswer) {
  ASSERT_EQ(tasks().size(), kSolvers.size());
  for (const Task& task : tasks()) {
    Rng rng(1);
    std::set<std::string> prompts;
    for (int64_t level = 0; level < task.levels; ++level) {
      for (int i = 0; i < 200; ++i) {
        const Problem problem = task.make(rng, level);
        ASSERT_EQ(problem.task, task.name);
        ASSERT_EQ(problem.level, level);
        ASSERT_EQ(kSolvers.at(task.name)(problem.prompt), problem.answer) << problem.prompt;
        prompts.insert(problem.prompt);
      }
    }
    EXPECT_GT(prompts.size(), 150 * static_cast<size_t>(task.levels)) << task.name << " repeats itself";
  }
}

TEST(Problems, AreLongerAtHigherLevels) {
  for (const std::string_view name : {"recall", "copying", "counting", "formatting", "facts"}) {
    const Task& task = *find_task(name);
    const auto words = [&](int64_t level) {
      Rng rng(2);
      int64_t n = 0;
      for (int i = 0; i < 50; ++i) n += std::ranges::count(task.make(rng, level).prompt, ' ');
      return n;
    };
    for (int64_t level = 1; level < task.levels; ++level) EXPECT_GT(words(level), words(level - 1)) << name;
  }
}

TEST(Problems, RecallTellsTwiceAsManyAtEveryLevelAndAsksNobodyTwice) {
  for (int64_t level = 0; level < 8; ++level) {
    Rng rng(3);
    const Problem problem = find_task("recall")->make(rng, level);
    auto told = split(problem.prompt, ". ");
    std::set<std::string> asked{told.back()};
    told.pop_back();
    EXPECT_EQ(std::ssize(told), 2 << level) << problem.prompt;
    EXPECT_EQ(std::set<std::string>(told.begin(), told.end()).size(), told.size());
    auto others = split(problem.more, ".\n");
    EXPECT_EQ(others.back(), "");
    others.pop_back();
    EXPECT_EQ(std::ssize(others), std::min(31, (2 << level) - 1));
    for (const std::string& other : others) {
      EXPECT_NE(std::ranges::find(told, other), told.end()) << other;
      EXPECT_TRUE(asked.insert(other.substr(0, other.rfind(' ') + 1)).second) << other;
    }
  }
}

TEST(Problems, JsonAnswersAreJson) {
  Rng rng(4);
  int seen = 0;
  for (int i = 0; i < 200; ++i) {
    const Problem problem = find_task("formatting")->make(rng, 3);
    if (!problem.prompt.starts_with("As JSON")) continue;
    EXPECT_EQ(nlohmann::json::parse(problem.answer).size(), 5u) << problem.answer;
    ++seen;
  }
  EXPECT_GT(seen, 20);
}

TEST(Problems, AreSolvedByTheAnswerAlone) {
  const Problem problem{.task = "counting", .level = 0, .prompt = "How many? ", .answer = "12"};
  EXPECT_TRUE(solves(problem, "12"));
  EXPECT_TRUE(solves(problem, "12\nAnd so on."));
  for (const char* wrong : {"", "1", "123", "12.", " 12", "12 cats\n"}) EXPECT_FALSE(solves(problem, wrong)) << wrong;
}

TEST(Problems, OneInSixteenIsATest) {
  Rng rng(5);
  int tests = 0;
  for (int i = 0; i < 4000; ++i) tests += is_test(find_task("copying")->make(rng, 2));
  EXPECT_NEAR(tests, 250, 75);  // five standard deviations
}

TEST(Problems, AnUnknownTaskIsNotFound) {
  EXPECT_EQ(find_task("juggling"), nullptr);
}

}  // namespace
}  // namespace adder
