#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "core/base/function_ref.h"
#include "core/base/result.h"

namespace adder {

/// How long to try before giving up. Tries are counted anew whenever a file has grown by another megabyte.
struct RetryPolicy {
  int tries = 6;
  std::chrono::milliseconds first_wait{1000};  ///< doubled each time
  std::chrono::milliseconds longest_wait{30000};
  std::chrono::seconds longest_asked_wait{300};  ///< a server that asks for more (Retry-After) is an error
};

struct HubOptions {
  std::string endpoint = "https://huggingface.co";  ///< no "/" at the end
  std::string token;                                ///< empty: none
  std::filesystem::path cache;                      ///< the models lie in its folder "models"
  bool offline = false;                             ///< use only what is there
  std::string user_agent = "adder";
  std::string certificates;          ///< file with the authorities to trust; empty: those of the system
  std::chrono::seconds stall{30};    ///< a transfer that stands still for so long is broken off, and resumed
  std::chrono::seconds connect{15};  ///< for a connection to be made
  RetryPolicy retry = {};
};

/// Options as the environment states them. kUsage when a value makes no sense.
///   HF_ENDPOINT                a mirror: https://HOST, or http://HOST for one on your own network
///   HF_TOKEN                   else the file that HF_TOKEN_PATH names, $HF_HOME/token, or
///                              $XDG_CACHE_HOME/huggingface/token; without one only public models are to be had
///   ADDER_CACHE                else $XDG_CACHE_HOME/adder; XDG_CACHE_HOME is ~/.cache unless set
///   ADDER_OFFLINE              anything but 0: no network
///   SSL_CERT_FILE              authorities to trust, for a network that reads along
Result<HubOptions> hub_options(FunctionRef<const char*(const char*)> environment);

}  // namespace adder
