#include "run/hub/pull.h"

#include <ctime>

#include "core/base/byte_size.h"
#include "run/hub/fetch.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using Stage = PullProgress::Stage;

constexpr size_t kMostListing = size_t{16} << 20;

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/// One pull on its way.
class Puller {
 public:
  Puller(const HubReference& reference, const HubOptions& options, const OnPull& on_progress)
      : reference_(reference), options_(options), on_progress_(on_progress), store_(options.cache) {}

  Result<Pulled> run() {
    TRY_ASSIGN(const std::optional<StoredModel> here, store_.find(reference_));
    if (options_.offline) {
      if (here) return Pulled{*here, store_.path_of(*here), 0, false};
      return Error::not_found("{}: not here, and ADDER_OFFLINE forbids to fetch it", reference_.text());
    }
    TRY_ASSIGN(HttpClient client, HttpClient::open(options_, [this] { return tell(); }));
    client_ = &client;
    const bool is_known = here && reference_.is_pinned();
    if (is_known) {
      model_ = *here;
      model_.revision = reference_.revision;
    } else if (const Status asked = ask(); !asked) {
      const ErrorCode code = asked.error().code();
      if (!here || (code != ErrorCode::kNetwork && code != ErrorCode::kDenied)) return asked.error();
      return Error(code, fmt::format("{}; the copy of {} stays usable: {}", asked.error().message(), here->pulled,
                                     store_.path_of(*here).string()));
    }
    at_.stage = Stage::kWaiting;
    TRY_ASSIGN(const StoreLock lock, StoreLock::acquire(store_, reference_.repository(), [this] { return tell(); }));
    TRY(bring_all(lock));
    model_.pulled = now_text();
    TRY(lock.record(model_));
    return Pulled{model_, store_.path_of(model_), at_.bytes_fetched, !is_known};
  }

 private:
  Status tell() { return on_progress_(at_); }

  Retries retries(std::string what) {
    return Retries(
        *client_, options_.retry, std::move(what), [this] { return tell(); },
        [this](const std::string& reason, std::chrono::milliseconds wait) {
          const PullProgress before = at_;
          at_.stage = Stage::kRetrying;
          at_.reason = reason;
          at_.wait = wait;
          static_cast<void>(tell());  // asked again at once
          at_ = before;
        });
  }

  /// What the Hub has, and what of it is meant.
  Status ask() {
    at_.stage = Stage::kAsking;
    const std::string url = repository_url(options_.endpoint, reference_);
    Retries tries = retries(fmt::format("{} on {}", reference_.text(), options_.endpoint));
    TRY_ASSIGN(const std::string text, fetch_text(*client_, url, kMostListing, tries));
    TRY_ASSIGN(const Repository repository, parse_repository(text, url));
    auto choice = choose(repository, reference_.type);
    if (!choice) return std::move(choice).error().in(reference_.repository());
    const auto usual = choose(repository, "");
    model_ = {.repository = reference_.repository(),
              .revision = reference_.revision,
              .type = choice->type,
              .is_usual = usual && usual->entry == choice->entry,
              .commit = repository.commit,
              .endpoint = options_.endpoint,
              .pulled = {},
              .entry = choice->entry,
              .files = choice->files};
    return {};
  }

  Status bring_all(const StoreLock& lock) {
    at_.bytes_total = model_.bytes();
    uint64_t before = 0;
    for (const RemoteFile& file : model_.files) {
      at_.file = file.path;
      at_.bytes_done = before;
      TRY(bring(lock, file, before));
      before += file.size;
    }
    at_.bytes_done = before;
    return tell();
  }

  /// One file under its final name: there already, there in another commit, or fetched.
  Status bring(const StoreLock& lock, const RemoteFile& file, uint64_t before) {
    const KeepGoing keep_going = [this] { return tell(); };
    at_.stage = Stage::kChecking;
    TRY_ASSIGN(const fs::path target, lock.make_room(model_.commit, file));
    TRY_ASSIGN(bool is_right, has_digest(target, file, keep_going));
    if (is_right) return {};
    std::error_code error;
    fs::remove(target, error);
    TRY_ASSIGN(const std::optional<fs::path> twin, lock.find_content(file));
    if (twin) {
      fs::create_hard_link(*twin, target, error);
      TRY_ASSIGN(is_right, has_digest(target, file, keep_going));
      if (is_right) return {};
      fs::remove(target, error);
    }
    TRY_ASSIGN(const fs::path path, lock.partial_path(file));
    TRY_ASSIGN(PartialFile partial, PartialFile::open(path, file, keep_going));
    TRY(check_space(path, file.size - partial.size()));
    at_.stage = Stage::kFetching;
    uint64_t size = partial.size();
    Retries tries = retries(file.path);
    TRY(fetch_file(*client_, file_url(options_.endpoint, model_.repository, model_.commit, file.path), partial, tries,
                   [&](uint64_t now) {
                     if (now > size) at_.bytes_fetched += now - size;
                     size = now;
                     at_.bytes_done = before + now;
                   }));
    return partial.publish(target);
  }

  static Status check_space(const fs::path& path, uint64_t bytes) {
    std::error_code error;
    const fs::space_info space = fs::space(path, error);
    if (error || space.available >= bytes) return {};
    return Error::io("{}: {} more are needed, the disk has {}", path.parent_path().string(),
                     byte_size_text(static_cast<int64_t>(bytes)),
                     byte_size_text(static_cast<int64_t>(space.available)));
  }

  const HubReference& reference_;
  const HubOptions& options_;
  const OnPull& on_progress_;
  ModelStore store_;
  HttpClient* client_ = nullptr;
  StoredModel model_;
  PullProgress at_;
};

}  // namespace

Result<Pulled> pull(const HubReference& reference, const HubOptions& options, const OnPull& on_progress) {
  return Puller(reference, options, on_progress).run();
}

}  // namespace adder
