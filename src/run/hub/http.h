#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/base/function_ref.h"
#include "core/base/result.h"
#include "run/hub/options.h"
#include "run/hub/partial_file.h"

namespace adder {

/// "Content-Range: bytes FIRST-LAST/TOTAL" (RFC 9110, section 14.4).
struct ContentRange {
  uint64_t first = 0, last = 0, total = 0;
  bool operator==(const ContentRange&) const = default;
};
std::optional<ContentRange> parse_content_range(std::string_view value);

struct HttpRequest {
  std::string url;
  uint64_t offset = 0;   ///< > 0: ask for the bytes from there on
  std::string if_range;  ///< an ETag: only if the file is still that one, else all of it
};

/// An answer's beginning.
struct HttpHead {
  int status = 0;
  std::optional<uint64_t> length;  ///< of this answer's body, where it says so
  std::optional<ContentRange> range;
  std::string etag;                       ///< a strong one, with its quotes; else empty
  std::string error_code, error_message;  ///< X-Error-Code, X-Error-Message of the Hub
};

/// How an exchange went that no mistake of ours ended.
struct HttpOutcome {
  HttpHead head;        ///< status 0: there was no answer
  std::string failure;  ///< why it broke off, "" when the answer came to its end or was not wanted
  std::chrono::seconds retry_after{0};
};

/// GET over HTTP and HTTPS by libcurl, which is opened at the first use. Connections are kept and used again.
/// Redirects are followed (10 at most) here rather than by libcurl, so that these rules do not depend on its version:
/// the token goes to the endpoint's own scheme, host and port alone; nothing leaves HTTPS for HTTP.
class HttpClient {
 public:
  /// Sees the beginning of the last answer, not that of a redirect; says whether its body is wanted.
  using OnHead = FunctionRef<Result<bool>(const HttpHead&)>;
  using OnBody = FunctionRef<Status(std::span<const std::byte>)>;

  /// kNotFound when there is no libcurl. `keep_going` is asked at least once a second.
  static Result<HttpClient> open(const HubOptions& options, KeepGoing keep_going);

  HttpClient(HttpClient&&) noexcept;
  ~HttpClient();

  /// Errors are what no second try would mend: those of `on_head`, `on_body` and `keep_going`, a certificate that is
  /// not trusted, a redirect that is refused.
  Result<HttpOutcome> get(const HttpRequest& request, OnHead on_head, OnBody on_body);

  /// Whether any server has ever answered.
  bool has_reached_anyone() const;

 private:
  class Session;
  explicit HttpClient(std::unique_ptr<Session> session);
  std::unique_ptr<Session> session_;
};

}  // namespace adder
