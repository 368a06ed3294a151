#pragma once

#include "run/hub/http.h"
#include "run/hub/partial_file.h"
#include "run/hub/retry.h"

namespace adder {

/// The text at `url`, at most `limit` bytes.
Result<std::string> fetch_text(HttpClient& client, const std::string& url, size_t limit, Retries& retries);

/// Brings the rest of `partial` from `url`, until it is whole and its digest right. It is never more than the server
/// has truly sent of this file:
///   206 with the Content-Range asked for   is appended
///   200 to a request for a range           starts again at byte 0
///   any other range, 416                   the file starts again, and no more ranges are asked for
///   a body that ends early                 goes on from there
///   another Content-Length, a longer body  kCorrupt
///   a wrong digest                         the file starts again once if it began in an earlier run, else kCorrupt
/// An error leaves what has come for the next time, unless it is known to be wrong.
Status fetch_file(HttpClient& client, const std::string& url, PartialFile& partial, Retries& retries,
                  FunctionRef<void(uint64_t)> on_size);

}  // namespace adder
