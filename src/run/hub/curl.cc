#include "run/hub/curl.h"

#include "core/formats/names.h"
#include "run/hub/shared_library.h"

namespace adder {
namespace {

Result<Curl> open_curl() {
  TRY_ASSIGN(const SharedLibrary library, SharedLibrary::open({"libcurl.so.4", "libcurl-gnutls.so.4"}, "libcurl4"));
  Curl c{};
  TRY(library.find("curl_global_init", c.global_init));
  TRY(library.find("curl_easy_init", c.easy_init));
  TRY(library.find("curl_easy_cleanup", c.easy_cleanup));
  TRY(library.find("curl_easy_reset", c.easy_reset));
  TRY(library.find("curl_easy_setopt", c.easy_setopt));
  TRY(library.find("curl_easy_getinfo", c.easy_getinfo));
  TRY(library.find("curl_easy_perform", c.easy_perform));
  TRY(library.find("curl_easy_strerror", c.easy_strerror));
  TRY(library.find("curl_slist_append", c.slist_append));
  TRY(library.find("curl_slist_free_all", c.slist_free_all));
  TRY(library.find("curl_url", c.url));
  TRY(library.find("curl_url_cleanup", c.url_cleanup));
  TRY(library.find("curl_url_set", c.url_set));
  TRY(library.find("curl_url_get", c.url_get));
  TRY(library.find("curl_free", c.free));
  if (c.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return Error::unsupported("libcurl does not start");
  return c;
}

}  // namespace

const Result<Curl>& curl() {
  static const Result<Curl> opened = open_curl();
  return opened;
}

Result<Origin> origin_of(const Curl& curl, const std::string& url) {
  const std::unique_ptr<CURLU, decltype(curl.url_cleanup)> parsed(curl.url(), curl.url_cleanup);
  if (!parsed || curl.url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return Error::usage("{} is no URL", quote(url));
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    if (curl.url_get(parsed.get(), which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return std::string();
    std::string copy = text;
    curl.free(text);
    return copy;
  };
  Origin origin{part(CURLUPART_SCHEME), part(CURLUPART_HOST), part(CURLUPART_PORT)};
  for (char& c : origin.host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (origin.scheme != "https" && origin.scheme != "http")
    return Error::usage("{}: expected https or http", quote(url));
  if (!part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty())
    return Error::usage("{}: a user's name in it is refused", quote(url));
  return origin;
}

}  // namespace adder
