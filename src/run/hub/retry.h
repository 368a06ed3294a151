#pragma once

#include <functional>

#include "run/hub/http.h"

namespace adder {

/// The tries of one request: decides after each failure whether there is another, and waits for its time.
///   no second try   statuses that say what will not change (401, 403, 404, 410, ...)
///   another         429, 408, 5xx, a connection that broke or stood still; after 1, 2, 4 ... seconds, or when the
///   server
///                   says (Retry-After)
///   none at all     when nobody has ever answered: this machine is not on the network
class Retries {
 public:
  /// Told before each wait.
  using OnWait = std::function<void(const std::string& reason, std::chrono::milliseconds wait)>;

  Retries(const HttpClient& client, const RetryPolicy& policy, std::string what, KeepGoing keep_going, OnWait on_wait);

  /// After a failure: waits and returns, or says why there is no other try.
  Status again(const HttpOutcome& outcome);
  /// Something has come of it: the count begins anew.
  void progressed() { failures_ = 0; }

 private:
  const HttpClient& client_;
  RetryPolicy policy_;
  std::string what_;
  KeepGoing keep_going_;
  OnWait on_wait_;
  int failures_ = 0;
};

/// What an answer without a file means, for people: 401 and 404 are kNotFound, 403 kDenied, all else kNetwork.
Error refusal(const HttpHead& head, std::string_view what);

}  // namespace adder
