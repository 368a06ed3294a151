#include "run/hub/options.h"

#include <algorithm>

#include "core/base/atomic_file.h"
#include "run/hub/blanks.h"

namespace adder {
namespace {

namespace fs = std::filesystem;
using Environment = FunctionRef<const char*(const char*)>;

std::string value_of(Environment environment, const char* name) {
  const char* const value = environment(name);
  return value == nullptr ? "" : value;
}

/// Where caches lie; empty when the environment does not say. A relative XDG_CACHE_HOME is to be ignored (XDG Base
/// Directory Specification 0.8).
fs::path cache_home(Environment environment) {
  const fs::path xdg = value_of(environment, "XDG_CACHE_HOME"), home = value_of(environment, "HOME");
  if (xdg.is_absolute()) return xdg;
  return home.empty() ? home : home / ".cache";
}

Result<std::string> find_endpoint(Environment environment) {
  std::string endpoint(without_blanks(value_of(environment, "HF_ENDPOINT")));
  if (endpoint.empty()) return HubOptions{}.endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const auto is_odd = [](char c) {
    return c <= ' ' || c > '~' || std::string_view("@?#\\\"<>").find(c) != std::string_view::npos;
  };
  if (!(endpoint.starts_with("https://") || endpoint.starts_with("http://")) || std::ranges::any_of(endpoint, is_odd))
    return Error::usage("HF_ENDPOINT is '{}'; expected https://HOST or http://HOST", endpoint);
  return endpoint;
}

/// The token itself is in no message.
Result<std::string> find_token(Environment environment) {
  std::string token(without_blanks(value_of(environment, "HF_TOKEN"))), source = "HF_TOKEN";
  if (token.empty()) {
    fs::path file = value_of(environment, "HF_TOKEN_PATH");
    if (file.empty()) {
      fs::path home = value_of(environment, "HF_HOME");
      if (home.empty() && !cache_home(environment).empty()) home = cache_home(environment) / "huggingface";
      if (!home.empty()) file = home / "token";
    }
    std::error_code ignored;
    if (file.empty() || !fs::exists(file, ignored)) return std::string();
    TRY_ASSIGN(token, read_file(file, 4096));
    token = std::string(without_blanks(token));
    source = file.string();
  }
  if (std::ranges::any_of(token, [](char c) { return c <= ' ' || c > '~'; }))
    return Error::usage("{}: expected a token, one printable word", source);
  return token;
}

}  // namespace

Result<HubOptions> hub_options(Environment environment) {
  HubOptions options;
  TRY_ASSIGN(options.endpoint, find_endpoint(environment));
  TRY_ASSIGN(options.token, find_token(environment));
  options.cache = value_of(environment, "ADDER_CACHE");
  if (options.cache.empty() && !cache_home(environment).empty()) options.cache = cache_home(environment) / "adder";
  if (options.cache.empty())
    return Error::usage("nowhere to keep models: none of ADDER_CACHE, XDG_CACHE_HOME, HOME is set");
  const std::string offline = value_of(environment, "ADDER_OFFLINE");
  options.offline = !offline.empty() && offline != "0";
  options.certificates = value_of(environment, "SSL_CERT_FILE");
  return options;
}

}  // namespace adder
