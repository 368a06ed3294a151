#include "run/hub/fetch.h"

namespace adder {
namespace {

constexpr uint64_t kProgress = uint64_t{1} << 20;  ///< what counts as having come further

bool is_success(int status) {
  return status >= 200 && status < 300;
}

/// One file on its way over as many exchanges as it takes.
class Download {
 public:
  Download(HttpClient& client, const std::string& url, PartialFile& partial, FunctionRef<void(uint64_t)> on_size)
      : client_(client), url_(url), partial_(partial), on_size_(on_size) {}

  Status run(Retries& retries) {
    uint64_t best = partial_.size();
    while (!partial_.is_whole()) {
      if (!ranges_work_) TRY(partial_.restart());
      const bool with_ranges = ranges_work_;
      TRY_ASSIGN(const HttpOutcome outcome, exchange());
      if (partial_.is_whole()) break;
      if (with_ranges && !ranges_work_) continue;  // the same once more, without
      if (partial_.size() > best + kProgress) {
        best = partial_.size();
        retries.progressed();
      }
      TRY(retries.again(outcome));
    }
    return {};
  }

 private:
  Result<HttpOutcome> exchange() {
    const HttpRequest request{url_, partial_.size(), etag_};
    auto outcome = client_.get(
        request, [this](const HttpHead& head) { return begin(head); },
        [this](std::span<const std::byte> bytes) -> Status {
          TRY(partial_.append(bytes));
          on_size_(partial_.size());
          return {};
        });
    if (outcome && outcome->failure.empty() && is_success(outcome->head.status) && !partial_.is_whole())
      outcome->failure = fmt::format("the answer ended at byte {} of {}", partial_.size(), partial_.file().size);
    return outcome;
  }

  /// Makes `partial_` ready for the body that comes, or says that it is not wanted.
  Result<bool> begin(const HttpHead& head) {
    const uint64_t offset = partial_.size(), size = partial_.file().size;
    if (head.status == 416 || head.status == 206) {
      const bool is_right = head.status == 206 && offset > 0 && head.range &&
                            *head.range == ContentRange{offset, size - 1, size} &&
                            head.length.value_or(size - offset) == size - offset;
      if (is_right) return true;
      if (offset == 0) return Error::corrupt("{}: HTTP status {} to a request for all of it", url_, head.status);
      ranges_work_ = false;
      return false;
    }
    if (head.status != 200) return false;
    if (head.length && *head.length != size)
      return Error::corrupt("{}: the server sends {} bytes, {} expected", url_, *head.length, size);
    if (offset > 0) TRY(partial_.restart());
    etag_ = head.etag;
    return true;
  }

  HttpClient& client_;
  const std::string& url_;
  PartialFile& partial_;
  FunctionRef<void(uint64_t)> on_size_;
  std::string etag_;  ///< of the answer that the beginning came from
  bool ranges_work_ = true;
};

}  // namespace

Result<std::string> fetch_text(HttpClient& client, const std::string& url, size_t limit, Retries& retries) {
  for (;;) {
    std::string text;
    TRY_ASSIGN(const HttpOutcome outcome,
               client.get(
                   {url}, [](const HttpHead& head) -> Result<bool> { return head.status == 200; },
                   [&](std::span<const std::byte> bytes) -> Status {
                     if (bytes.size() > limit - text.size())
                       return Error::too_large("{}: more than {} bytes", url, limit);
                     text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                     return {};
                   }));
    if (outcome.failure.empty() && outcome.head.status == 200) return text;
    TRY(retries.again(outcome));
  }
}

Status fetch_file(HttpClient& client, const std::string& url, PartialFile& partial, Retries& retries,
                  FunctionRef<void(uint64_t)> on_size) {
  for (bool from_earlier = partial.size() > 0;; from_earlier = false) {
    on_size(partial.size());
    TRY(Download(client, url, partial, on_size).run(retries));
    TRY_ASSIGN(const bool is_right, partial.verify());
    if (is_right) return {};
    if (!from_earlier)
      return Error::corrupt("{}: what came is not the file: its {} is not {}", url, name(partial.file().kind),
                            partial.file().digest);
  }
}

}  // namespace adder
