#include "run/hub/retry.h"

#include <algorithm>
#include <thread>

#include "core/formats/names.h"

namespace adder {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSleep{20};

bool may_change(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500 || (status >= 200 && status < 300);
}

std::string reason_of(const HttpOutcome& outcome) {
  return outcome.failure.empty() ? fmt::format("HTTP status {}", outcome.head.status) : outcome.failure;
}

}  // namespace

Error refusal(const HttpHead& head, std::string_view what) {
  const std::string said = head.error_message.empty() ? "" : ": " + quote(head.error_message);
  if (head.status == 401)
    return Error::not_found("{}: not there, or private: HF_TOKEN must hold a token that may read it{}", what, said);
  if (head.status == 403)
    return Error::denied("{}: refused{}; where a model asks to accept terms, accept them on its page and set HF_TOKEN",
                         what, said);
  if (head.status == 404 || head.status == 410) return Error::not_found("{}: not there{}", what, said);
  return Error::network("{}: HTTP status {}{}", what, head.status, said);
}

Retries::Retries(const HttpClient& client, const RetryPolicy& policy, std::string what, KeepGoing keep_going,
                 OnWait on_wait)
    : client_(client),
      policy_(policy),
      what_(std::move(what)),
      keep_going_(std::move(keep_going)),
      on_wait_(std::move(on_wait)) {}

Status Retries::again(const HttpOutcome& outcome) {
  if (outcome.failure.empty() && !may_change(outcome.head.status)) return refusal(outcome.head, what_);
  const std::string reason = reason_of(outcome);
  if (!client_.has_reached_anyone()) return Error::network("{}: {}", what_, reason);
  if (++failures_ >= policy_.tries) return Error::network("{}: gave up after {} tries: {}", what_, failures_, reason);
  if (outcome.retry_after > policy_.longest_asked_wait)
    return Error::network("{}: {}, and the server asks to come back in {} s", what_, reason,
                          outcome.retry_after.count());

  const auto doubled = policy_.first_wait * (int64_t{1} << std::min(failures_ - 1, 20));
  const milliseconds wait = std::max<milliseconds>(std::min(doubled, policy_.longest_wait), outcome.retry_after);
  on_wait_(reason, wait);
  const auto end = std::chrono::steady_clock::now() + wait;
  while (std::chrono::steady_clock::now() < end) {
    TRY(keep_going_());
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(kSleep, end - std::chrono::steady_clock::now()));
  }
  return keep_going_();
}

}  // namespace adder
