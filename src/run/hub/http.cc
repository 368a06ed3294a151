#include "run/hub/http.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/formats/names.h"
#include "run/hub/blanks.h"
#include "run/hub/curl.h"

namespace adder {
namespace {

constexpr int kMostRedirects = 10;
constexpr size_t kMostRedirectBody = size_t{1} << 20;

/// The number that `text` begins with is cut off; nothing unless digits are followed by `after`.
std::optional<uint64_t> cut_number(std::string_view& text, std::string_view after) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return {};
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (!text.starts_with(after)) return {};
  text.remove_prefix(after.size());
  return number;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

void read_header(std::string_view line, HttpHead& head) {
  const size_t colon = line.find(':');
  if (colon == line.npos) return;
  const std::string name = lower(line.substr(0, colon));
  std::string_view value = without_blanks(line.substr(colon + 1));
  if (name == "content-length") {
    head.length = cut_number(value, "");
  } else if (name == "content-range") {
    head.range = parse_content_range(value);
  } else if (name == "etag") {
    head.etag = value.size() >= 2 && value.starts_with('"') && value.ends_with('"') ? value : "";
  } else if (name == "x-error-code") {
    head.error_code = value;
  } else if (name == "x-error-message") {
    head.error_message = value;
  }
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// What goes wrong in the same way however often one tries.
bool is_final(CURLcode code) {
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view value) {
  if (lower(value.substr(0, 6)) != "bytes ") return {};
  value.remove_prefix(6);
  const auto first = cut_number(value, "-"), last = cut_number(value, "/"), total = cut_number(value, "");
  if (!first || !last || !total || !value.empty() || *first > *last || *last >= *total) return {};
  return ContentRange{*first, *last, *total};
}

/// One libcurl handle, and the exchange that is going on.
class HttpClient::Session {
 public:
  Session(const Curl& curl, HubOptions options, Origin home, KeepGoing keep_going)
      : curl_(curl), options_(std::move(options)), home_(std::move(home)), keep_going_(std::move(keep_going)) {
    easy_ = curl_.easy_init();
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    if (easy_ != nullptr) curl_.easy_cleanup(easy_);
  }
  bool is_open() const { return easy_ != nullptr; }
  bool has_reached_anyone() const { return has_reached_anyone_; }

  Result<HttpOutcome> get(const HttpRequest& request, OnHead on_head, OnBody on_body) {
    std::string url = request.url;
    TRY_ASSIGN(Origin origin, origin_of(curl_, url));
    for (int redirects = 0;; ++redirects) {
      exchange_ = {.on_head = &on_head, .on_body = &on_body};
      TRY_ASSIGN(HttpOutcome outcome, perform(url, origin, request));
      if (!is_redirect(outcome.head.status) || !outcome.failure.empty()) return outcome;
      const char* target = nullptr;
      curl_.easy_getinfo(easy_, CURLINFO_REDIRECT_URL, &target);
      if (target == nullptr) return outcome;
      if (redirects == kMostRedirects) return Error::network("{}: more than {} redirects", request.url, kMostRedirects);
      url = target;
      auto next = origin_of(curl_, url);
      if (!next) return Error::network("{}: redirected to {}", request.url, next.error().message());
      if (origin.scheme == "https" && next->scheme != "https")
        return Error::network("{}: redirected from https to {}, refused", request.url, quote(url));
      origin = *std::move(next);
    }
  }

 private:
  struct Exchange {
    OnHead* on_head = nullptr;
    OnBody* on_body = nullptr;
    HttpHead head = {};
    bool head_is_whole = false, unwanted = false;
    size_t skipped = 0;  ///< bytes of a redirect's body
    Status status = {};  ///< why we ended it
  };
  /// What goes back to libcurl to end the exchange: any size but the one given.
  static constexpr size_t kEnd = 0;

  template <class Value>
  void set(CURLoption option, Value value) {
    curl_.easy_setopt(easy_, option, value);
  }

  Result<HttpOutcome> perform(const std::string& url, const Origin& origin, const HttpRequest& request) {
    curl_.easy_reset(easy_);  // keeps connections
    std::array<char, CURL_ERROR_SIZE> reason = {};
    set_rules(reason.data());
    set(CURLOPT_URL, url.c_str());
    const std::string range = fmt::format("{}-", request.offset);
    if (request.offset > 0) set(CURLOPT_RANGE, range.c_str());
    curl_slist* headers = nullptr;
    const auto add = [&](const std::string& line) { headers = curl_.slist_append(headers, line.c_str()); };
    if (request.offset > 0 && !request.if_range.empty()) add("If-Range: " + request.if_range);
    if (!options_.token.empty() && origin == home_) add("Authorization: Bearer " + options_.token);
    set(CURLOPT_HTTPHEADER, headers);
    const CURLcode code = curl_.easy_perform(easy_);
    curl_.slist_free_all(headers);

    TRY(std::move(exchange_.status));
    HttpOutcome outcome{std::move(exchange_.head), "", std::chrono::seconds(0)};
    curl_off_t retry_after = 0;
    if (curl_.easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
      outcome.retry_after = std::chrono::seconds(std::clamp<curl_off_t>(retry_after, 0, 1 << 30));
    if (code == CURLE_OK || exchange_.unwanted) return outcome;
    outcome.failure = reason.front() != '\0' ? reason.data() : curl_.easy_strerror(code);
    if (is_final(code)) return Error::network("{}: {}", request.url, outcome.failure);
    return outcome;
  }

  void set_rules(char* reason) {
    set(CURLOPT_ERRORBUFFER, reason);
    set(CURLOPT_PROTOCOLS_STR, "http,https");  // older ones do not know it; origin_of has looked at the scheme
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, options_.user_agent.c_str());
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(options_.connect).count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall.count()));
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (!options_.certificates.empty()) set(CURLOPT_CAINFO, options_.certificates.c_str());
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFODATA, this);
    set(
        CURLOPT_XFERINFOFUNCTION, +[](void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
          return static_cast<Session*>(self)->go_on() ? 0 : 1;
        });
    set(CURLOPT_HEADERDATA, this);
    set(
        CURLOPT_HEADERFUNCTION, +[](char* data, size_t, size_t size, void* self) {
          return static_cast<Session*>(self)->take_header({data, size}) ? size : kEnd;
        });
    set(CURLOPT_WRITEDATA, this);
    set(
        CURLOPT_WRITEFUNCTION, +[](char* data, size_t, size_t size, void* self) {
          return static_cast<Session*>(self)->take_body({data, size}) ? size : kEnd;
        });
  }

  /// Keeps the first error of ours.
  bool note(Status status) {
    if (!status && exchange_.status) exchange_.status = std::move(status);
    return exchange_.status.has_value();
  }

  bool go_on() { return note(keep_going_()); }

  bool take_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // the head of an interim answer may have gone before
      exchange_.head = {};
      exchange_.head_is_whole = false;
    } else if (!without_blanks(line).empty()) {
      if (!exchange_.head_is_whole) read_header(line, exchange_.head);  // else a trailer
    } else if (!exchange_.head_is_whole) {
      return end_of_head();
    }
    return true;
  }

  bool end_of_head() {
    long status = 0;
    curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) return true;
    has_reached_anyone_ = true;
    exchange_.head.status = static_cast<int>(status);
    exchange_.head_is_whole = true;
    if (is_redirect(exchange_.head.status)) return true;
    const Result<bool> wanted = (*exchange_.on_head)(exchange_.head);
    if (!wanted) return note(wanted.error());
    exchange_.unwanted = !*wanted;
    return true;
  }

  bool take_body(std::string_view bytes) {
    if (is_redirect(exchange_.head.status)) return (exchange_.skipped += bytes.size()) <= kMostRedirectBody;
    if (exchange_.unwanted) return false;
    return note((*exchange_.on_body)(std::as_bytes(std::span(bytes))));
  }

  const Curl& curl_;
  HubOptions options_;
  Origin home_;
  KeepGoing keep_going_;
  CURL* easy_ = nullptr;
  Exchange exchange_;
  bool has_reached_anyone_ = false;
};

Result<HttpClient> HttpClient::open(const HubOptions& options, KeepGoing keep_going) {
  if (!curl()) return curl().error();
  TRY_ASSIGN(Origin home, origin_of(*curl(), options.endpoint));
  auto session = std::make_unique<Session>(*curl(), options, std::move(home), std::move(keep_going));
  if (!session->is_open()) return Error::too_large("libcurl: out of memory");
  return HttpClient(std::move(session));
}

HttpClient::HttpClient(std::unique_ptr<Session> session) : session_(std::move(session)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpOutcome> HttpClient::get(const HttpRequest& request, OnHead on_head, OnBody on_body) {
  return session_->get(request, on_head, on_body);
}

bool HttpClient::has_reached_anyone() const {
  return session_->has_reached_anyone();
}

}  // namespace adder
