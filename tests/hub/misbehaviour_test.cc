#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "core/base/atomic_file.h"
#include "tests/hub/pull_fixture.h"

namespace adder {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Each test is one way in which a server, or the way to it, goes wrong. The file is right in the end, or there is none
/// under its final name.
class Misbehaviour : public PullFixture {
 protected:
  /// An earlier run that brought the first `bytes` of the file.
  void leave_partial(size_t bytes) { leave_partial(content().substr(0, bytes)); }
  void leave_partial(const std::string& text) {
    const auto folder = repository_folder() / "partial";
    fs::create_directories(folder);
    ASSERT_TRUE(write_file(folder / partial_name(), text));
  }
  std::string partial_name() {
    const std::string listing = hub().listing();
    return listing.substr(listing.find("\"sha256\": \"") + 11, 64);
  }
  void expect_right(const Result<Pulled>& pulled) {
    ASSERT_TRUE(pulled) << pulled.error().message();
    EXPECT_TRUE(holds(final_path(), content()));
    EXPECT_FALSE(fs::exists(repository_folder() / "partial"));
  }
  void expect_none(const Result<Pulled>& pulled, ErrorCode code, const std::string& message = "") {
    ASSERT_FALSE(pulled);
    EXPECT_EQ(pulled.error().code(), code) << pulled.error().message();
    EXPECT_THAT(pulled.error().message(), HasSubstr(message));
    EXPECT_FALSE(fs::exists(final_path()));
    EXPECT_TRUE(store().list()->empty());
  }
  std::vector<std::string> ranges() {
    std::vector<std::string> list;
    for (const ServedRequest& request : hub().file_requests()) list.push_back(request.header("range"));
    return list;
  }
};

TEST_F(Misbehaviour, AllOfTheFileInAnswerToARange) {
  leave_partial(1000);
  hub().misbehave_with_files(
      1, [this](const auto&, const auto& connection) { connection.send(http_answer("200 OK", content())); });
  expect_right(pull_tiny());
  EXPECT_THAT(ranges(), testing::ElementsAre("bytes=1000-"));
}

TEST_F(Misbehaviour, AnotherRangeThanTheOneAskedFor) {
  const std::string size = std::to_string(content().size()), last = std::to_string(content().size() - 1);
  const std::vector<std::string> wrong = {"Content-Range: bytes 0-" + last + "/" + size + "\r\n",
                                          "Content-Range: bytes 999-" + last + "/" + size + "\r\n",
                                          "Content-Range: bytes 1000-1999/" + size + "\r\n",
                                          "Content-Range: bytes 1000-" + last + "/*\r\n",
                                          "Content-Range: bytes 1000-" + last + "/" + last + "\r\n",
                                          "Content-Range: lines 1-2/3\r\n",
                                          "Content-Range: bytes 1000\r\n",
                                          ""};
  for (const std::string& header : wrong) {
    fs::remove_all(cache());
    leave_partial(1000);
    hub().misbehave_with_files(1, [&](const auto&, const auto& connection) {
      connection.send(http_answer("206 Partial Content", content().substr(1000), header));
    });
    expect_right(pull_tiny());
    EXPECT_EQ(hub().file_requests().back().header("range"), "") << header;
  }
}

TEST_F(Misbehaviour, ARangeOfAnotherLength) {
  leave_partial(1000);
  hub().misbehave_with_files(1, [this](const auto&, const auto& connection) {
    connection.send(
        http_answer("206 Partial Content", content().substr(2000),
                    fmt::format("Content-Range: bytes 1000-{}/{}\r\n", content().size() - 1, content().size())));
  });
  expect_right(pull_tiny());
}

TEST_F(Misbehaviour, RangesRefused) {
  leave_partial(1000);
  hub().misbehave_with_files(
      1, [](const auto&, const auto& connection) { connection.send(http_answer("416 Range Not Satisfiable", "no")); });
  expect_right(pull_tiny());
  EXPECT_THAT(ranges(), testing::ElementsAre("bytes=1000-", ""));
}

TEST_F(Misbehaviour, APartNobodyAskedFor) {
  hub().misbehave_with_files(9, [this](const auto&, const auto& connection) {
    connection.send(http_answer("206 Partial Content", content().substr(5)));
  });
  expect_none(pull_tiny(), ErrorCode::kCorrupt, "206");
}

TEST_F(Misbehaviour, BodiesThatEndEarly) {
  hub().misbehave_with_files(2, [this](const ServedRequest& request, const auto& connection) {
    if (!range_of(request)) connection.send(beginning_of_answer(content().size() / 2));
  });
  expect_right(pull_tiny());
  ASSERT_EQ(hub().file_requests().size(), 3u);  // the second came without an answer
  EXPECT_EQ(ranges()[1], fmt::format("bytes={}-", content().size() / 2));
  EXPECT_EQ(hub().file_requests()[1].header("if-range"), "\"v1\"");
}

TEST_F(Misbehaviour, ABodyWithoutALengthThatEndsEarly) {
  hub().misbehave_with_files(1, [this](const auto&, const auto& connection) {
    connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + content().substr(0, 1000));
  });
  expect_right(pull_tiny());
  EXPECT_EQ(ranges().back(), "bytes=1000-");
}

TEST_F(Misbehaviour, ConnectionsReset) {
  hub().misbehave_with_files(3, [this](const auto&, const auto& connection) {
    connection.send(beginning_of_answer(70000));
    connection.reset();
  });
  expect_right(pull_tiny());
}

TEST_F(Misbehaviour, AnEndlessRowOfBrokenAnswersIsGivenUp) {
  hub().misbehave_with_files(
      1000, [this](const auto&, const auto& connection) { connection.send(beginning_of_answer(100)); });
  expect_none(pull_tiny(), ErrorCode::kNetwork, "gave up after 6 tries");
  EXPECT_EQ(hub().file_requests().size(), 6u);
}

TEST_F(Misbehaviour, ATransferThatStandsStill) {
  hub().misbehave_with_files(1, [this](const auto&, const auto& connection) {
    connection.send(beginning_of_answer(5000));
    connection.stall();
  });
  std::string reason;
  const auto watch = [&](const PullProgress& at) -> Status {
    if (at.stage == PullProgress::Stage::kRetrying) reason = at.reason;
    return {};
  };
  HubOptions impatient = options();
  impatient.stall = std::chrono::seconds(1);
  expect_right(pull_tiny(impatient, watch));
  EXPECT_EQ(ranges().back(), "bytes=5000-");
  EXPECT_THAT(reason, HasSubstr("too slow"));
}

TEST_F(Misbehaviour, ALengthThatIsNotTheFiles) {
  for (const std::string& body : {content() + "x", content().substr(1), std::string("<html>log in first</html>")}) {
    hub().misbehave_with_files(
        1, [&](const auto&, const auto& connection) { connection.send(http_answer("200 OK", body)); });
    expect_none(pull_tiny(), ErrorCode::kCorrupt, std::to_string(content().size()));
  }
}

TEST_F(Misbehaviour, MoreThanTheFile) {
  hub().misbehave_with_files(1, [this](const auto&, const auto& connection) {
    connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + content() + "and more");
  });
  expect_none(pull_tiny(), ErrorCode::kCorrupt, "more than");
}

TEST_F(Misbehaviour, OtherBytesOfTheSameLength) {
  std::string other = content();
  other[100] ^= 1;
  hub().misbehave_with_files(
      1, [&](const auto&, const auto& connection) { connection.send(http_answer("200 OK", other)); });
  expect_none(pull_tiny(), ErrorCode::kCorrupt, "sha256");
  EXPECT_EQ(hub().file_requests().size(), 1u);
  expect_right(pull_tiny());
}

TEST_F(Misbehaviour, ABeginningFromAnEarlierRunThatWasWrong) {
  std::string wrong = content().substr(0, 1000);
  wrong[10] ^= 1;
  leave_partial(wrong);
  expect_right(pull_tiny());
  EXPECT_THAT(ranges(), testing::ElementsAre("bytes=1000-", ""));
}

TEST_F(Misbehaviour, ABeginningLongerThanTheFile) {
  leave_partial(content() + "more");
  expect_right(pull_tiny());
  EXPECT_THAT(ranges(), testing::ElementsAre(""));
}

TEST_F(Misbehaviour, BusyServersAreAskedAgain) {
  for (const std::string status : {"500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable",
                                   "429 Too Many Requests", "408 Request Timeout"}) {
    fs::remove_all(cache());
    std::atomic<int> refusals = 4;
    hub().misbehave([&](const auto&, const auto& connection) {
      if (refusals.fetch_sub(1) <= 0) return false;
      connection.send(http_answer(status, "busy"));
      return true;
    });
    expect_right(pull_tiny());
  }
}

TEST_F(Misbehaviour, RetryAfterIsObeyedWithinReason) {
  hub().misbehave_with_files(1, [](const auto&, const auto& connection) {
    connection.send(http_answer("429 Too Many Requests", "", "Retry-After: 1\r\n"));
  });
  const auto start = std::chrono::steady_clock::now();
  expect_right(pull_tiny());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));

  fs::remove_all(cache());
  hub().misbehave_with_files(1, [](const auto&, const auto& connection) {
    connection.send(http_answer("503 Service Unavailable", "", "Retry-After: 86400\r\n"));
  });
  expect_none(pull_tiny(), ErrorCode::kNetwork, "86400 s");
}

TEST_F(Misbehaviour, RefusalsAreExplainedAtOnce) {
  const std::vector<std::tuple<std::string, ErrorCode, std::string>> refusals = {
      {"401 Unauthorized", ErrorCode::kNotFound, "HF_TOKEN"},
      {"403 Forbidden", ErrorCode::kDenied, "accept"},
      {"404 Not Found", ErrorCode::kNotFound, "not there"},
      {"400 Bad Request", ErrorCode::kNetwork, "400"}};
  for (const auto& [status, code, message] : refusals) {
    const size_t before = hub().requests().size();
    hub().misbehave([&, answer = status](const auto&, const auto& connection) {
      connection.send(http_answer(answer, "", "X-Error-Message: \033[2Jterms\r\n"));
      return true;
    });
    const auto pulled = pull_tiny();
    expect_none(pulled, code, message);
    EXPECT_THAT(pulled.error().message(), AllOf(HasSubstr("\\x1b[2Jterms"), HasSubstr("org/tiny")));
    EXPECT_EQ(hub().requests().size(), before + 1);
  }
}

TEST_F(Misbehaviour, AListingThatIsNone) {
  for (const std::string body : {"", "<html>", "{\"sha\": \"main\"}"}) {
    hub().misbehave([&](const auto&, const auto& connection) {
      connection.send(http_answer("200 OK", body));
      return true;
    });
    expect_none(pull_tiny(), ErrorCode::kCorrupt, "/api/models/org/tiny");
  }
}

TEST_F(Misbehaviour, PathsThatLeaveTheStore) {
  for (const std::string path : {"../../../evil.json", "/tmp/evil.json", "a/../../evil.json"}) {
    hub().misbehave([&](const ServedRequest& request, const auto& connection) {
      if (!request.target.starts_with("/api/")) return false;
      connection.send(http_answer("200 OK", hub().listing(fmt::format(R"(, {{"rfilename": "{}", "size": 0,
                                                  "blobId": "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"}})",
                                                                      path))));
      return true;
    });
    expect_none(pull_tiny(), ErrorCode::kCorrupt, path);
  }
}

TEST_F(Misbehaviour, AFileLargerThanTheDisk) {
  hub().misbehave([&](const ServedRequest& request, const auto& connection) {
    if (!request.target.starts_with("/api/")) return false;
    std::string listing = hub().listing();
    const std::string size = fmt::format("\"size\": {}", content().size());
    for (size_t at = 0; (at = listing.find(size, at)) != listing.npos; ++at)
      listing.replace(at, size.size(), "\"size\": 1000000000000000");
    connection.send(http_answer("200 OK", listing));
    return true;
  });
  expect_none(pull_tiny(), ErrorCode::kIo, "more are needed");
  EXPECT_TRUE(hub().file_requests().empty());
}

TEST_F(Misbehaviour, ADiskThatFillsUpKeepsWhatHasCome) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{65536, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const auto full = pull_tiny();
  setrlimit(RLIMIT_FSIZE, &before);
  expect_none(full, ErrorCode::kIo, "cannot write");
  expect_right(pull_tiny());
  EXPECT_EQ(ranges().back(), "bytes=65536-");
}

/// A second server, as the Hub hands large files to its content delivery network.
TEST_F(Misbehaviour, TheTokenStaysWithTheHub) {
  const std::string body = content();
  HttpServer other(
      [&](const ServedRequest&, const ServedConnection& connection) { connection.send(http_answer("200 OK", body)); });
  hub().misbehave_with_files(1, [&](const auto&, const auto& connection) {
    connection.send(http_answer("302 Found", "over there", "Location: " + other.url() + "/blob?signature=1\r\n"));
  });
  HubOptions with_token = options();
  with_token.token = "hf_secret";
  expect_right(pull_tiny(with_token));
  for (const ServedRequest& request : hub().requests()) EXPECT_EQ(request.header("authorization"), "Bearer hf_secret");
  ASSERT_EQ(other.requests().size(), 1u);
  EXPECT_EQ(other.requests()[0].header("authorization"), "");
  EXPECT_EQ(other.requests()[0].target, "/blob?signature=1");
}

TEST_F(Misbehaviour, ARepositoryThatWasRenamedIsFollowedWithTheToken) {
  hub().misbehave([&](const ServedRequest& request, const auto& connection) {
    if (request.target != "/api/models/org/old/revision/main?blobs=true") return false;
    connection.send(
        http_answer("307 Temporary Redirect", "", "Location: /api/models/org/tiny/revision/main?blobs=true\r\n"));
    return true;
  });
  HubOptions with_token = options();
  with_token.token = "hf_secret";
  const auto pulled = pull({"org", "old"}, with_token, quiet);
  EXPECT_EQ(hub().requests()[1].header("authorization"), "Bearer hf_secret");
  EXPECT_EQ(pulled.error().code(), ErrorCode::kNotFound) << "its files are asked for under the old name";
}

TEST_F(Misbehaviour, RedirectsThatLeadNowhereGood) {
  for (const auto& [location, message] : std::map<std::string, std::string>{{"/org/tiny/again", "redirects"},
                                                                            {"file:///etc/passwd", "http"},
                                                                            {"ftp://127.0.0.1/x", "http"},
                                                                            {"http://user:word@127.0.0.1/x", "user"}}) {
    hub().misbehave([&, to = location](const ServedRequest& request, const auto& connection) {
      if (request.target.starts_with("/api/")) return false;
      connection.send(http_answer("302 Found", "", "Location: " + to + "\r\n"));
      return true;
    });
    expect_none(pull_tiny(), ErrorCode::kNetwork, message);
  }
}

TEST_F(Misbehaviour, SomebodyElsesProtocol) {
  hub().misbehave([](const auto&, const auto& connection) {
    connection.send("SSH-2.0-OpenSSH_9.2\r\n");
    return true;
  });
  expect_none(pull_tiny(), ErrorCode::kNetwork);
}

}  // namespace
}  // namespace adder
