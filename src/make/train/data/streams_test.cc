#include "make/train/data/streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "core/base/atomic_file.h"
#include "make/train/data/bpe_trainer.h"

namespace adder {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class Corpus : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    write("12-second.txt", "The rat ran. The rat sat. The rat ran.");
    write("3-first.txt", "The cat sat. The cat ran. The cat sat.");
    write("40-kept.txt", "A quiet zebra zzzz zzzz zzzz.");
    write("README.md", "no book");
  }
  void write(const std::string& name, std::string_view text) { ASSERT_TRUE(write_file(directory_ / name, text)); }

  fs::path directory_;
};

TEST_F(Corpus, BooksComeByIdWithTheHeldOutOnesMarked) {
  const auto books = read_corpus(directory_, {40});
  ASSERT_TRUE(books) << books.error().message();
  ASSERT_EQ(books->size(), 3u);
  EXPECT_EQ((*books)[0].id, 3);
  EXPECT_EQ((*books)[1].id, 12);
  EXPECT_TRUE((*books)[2].held_out);
  EXPECT_FALSE((*books)[1].held_out);
}

TEST_F(Corpus, RefusesWhatWouldMixOrLoseBooks) {
  EXPECT_THAT(read_corpus(directory_, {41}).error().message(), HasSubstr("held-out book 41 is not there"));
  EXPECT_THAT(read_corpus(directory_, {3, 12, 40}).error().message(), HasSubstr("to train on"));
  EXPECT_THAT(read_corpus(directory_ / "none", {}).error().message(), HasSubstr("cannot list"));
  write("3-again.txt", "x");
  EXPECT_THAT(read_corpus(directory_, {40}).error().message(), HasSubstr("two files have the id 3"));
  fs::remove(directory_ / "3-again.txt");
  write("5-lines.jsonl", "{\"text\": \"a\"}\n{\"texts\": \"b\"}\n");
  EXPECT_THAT(read_corpus(directory_, {40}).error().message(),
              testing::AllOf(HasSubstr("5-lines.jsonl:2"), HasSubstr("expected an object with a text")));
}

TEST_F(Corpus, LinesOfJsonAreDocuments) {
  fs::create_directories(directory_ / "work");
  write("5-lines.jsonl", "{\"text\": \"The cat\\nran.\"}\n\n{\"text\": \"The rat sat.\", \"source\": 7}\n");
  const auto books = read_corpus(directory_, {3, 12, 40});
  ASSERT_TRUE(books) << books.error().message();
  EXPECT_THAT((*books)[1].documents, testing::ElementsAre("The cat\nran.", "The rat sat."));
  const auto tokenizer = tokenizer_for(*books, 274, directory_ / "work");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const auto streams = tokenize_corpus(*books, *tokenizer, directory_ / "work/tokens.cache");
  ASSERT_TRUE(streams);
  std::vector<TokenId> expected;
  for (const std::string& document : (*books)[1].documents) {
    expected.push_back(tokenizer->data().bos);
    std::ranges::copy(tokenizer->encode(document, {.add_bos = false}), std::back_inserter(expected));
    expected.push_back(tokenizer->data().eos);
  }
  EXPECT_EQ(streams->train, expected);
}

TEST_F(Corpus, TokenizerAndStreamNeverSeeHeldOutBooks) {
  const auto books = read_corpus(directory_, {40});
  ASSERT_TRUE(books);
  const auto tokenizer = tokenizer_for(*books, 280, directory_ / "work");
  ASSERT_FALSE(tokenizer) << "the folder has to be there";
  fs::create_directories(directory_ / "work");
  const auto made = tokenizer_for(*books, 280, directory_ / "work");
  ASSERT_TRUE(made) << made.error().message();
  for (const std::string& merge : made->data().merges) EXPECT_THAT(merge, testing::Not(HasSubstr("z")));

  const auto streams = tokenize_corpus(*books, *made, directory_ / "work/tokens.cache");
  ASSERT_TRUE(streams) << streams.error().message();
  EXPECT_EQ(streams->held_out_bytes, std::ssize((*books)[2].documents[0]));
  EXPECT_EQ(made->decode(streams->train), (*books)[0].documents[0] + (*books)[1].documents[0]);
  EXPECT_EQ(made->decode(streams->held_out), (*books)[2].documents[0]);
  EXPECT_EQ(streams->train.front(), made->data().bos);
  EXPECT_EQ(streams->train.back(), made->data().eos);
}

TEST_F(Corpus, SavedTokenizerAndTokensAreReadAgainUnlessABookChanged) {
  const fs::path work = directory_ / "work";
  fs::create_directories(work);
  const auto books = read_corpus(directory_, {40});
  const auto made = tokenizer_for(*books, 280, work), again = tokenizer_for(*books, 280, work);
  ASSERT_TRUE(made);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(made->data().tokens, again->data().tokens);
  EXPECT_EQ(made->data().merges, again->data().merges);
  EXPECT_EQ(made->data().eos, again->data().eos);
  EXPECT_FALSE(tokenizer_for(*books, 281, work)) << "another vocabulary than the recipe's";

  const auto first = tokenize_corpus(*books, *made, work / "tokens.cache");
  const auto cached = tokenize_corpus(*books, *again, work / "tokens.cache");
  ASSERT_TRUE(first && cached);
  EXPECT_EQ(first->train, cached->train);
  EXPECT_EQ(first->held_out, cached->held_out);

  write("12-second.txt", "The rat ran off.");
  const auto changed = tokenize_corpus(*read_corpus(directory_, {40}), *made, work / "tokens.cache");
  ASSERT_TRUE(changed);
  EXPECT_LT(changed->train.size(), first->train.size());
}

}  // namespace
}  // namespace adder
