#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "core/base/result.h"

namespace adder {

/// The functions of libcurl that adder calls, found in libcurl.so.4 when they are first needed.
struct Curl {
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_reset) easy_reset;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_perform) easy_perform;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
  decltype(&::curl_url) url;
  decltype(&::curl_url_cleanup) url_cleanup;
  decltype(&::curl_url_set) url_set;
  decltype(&::curl_url_get) url_get;
  decltype(&::curl_free) free;
};

/// Either flavour of the library will do: with OpenSSL, or with GnuTLS, which Git brings along. kNotFound without both.
const Result<Curl>& curl();

/// Scheme, host and port of a URL as libcurl reads it, so that a URL cannot look like one host here and be another
/// there.
struct Origin {
  std::string scheme, host, port;
  bool operator==(const Origin&) const = default;
};
/// kUsage for what is no http or https URL, or one that holds a user's name.
Result<Origin> origin_of(const Curl& curl, const std::string& url);

}  // namespace adder
