#include "apps/fp8_policy_option.h"

#include <string>

namespace adder {

void add_fp8_policy_option(CLI::App& command, Fp8Policy& policy) {
  command
      .add_option_function<std::string>(
          "--fp8-policy", [&policy](const std::string& text) { policy = *fp8_policy_from_name(text); },
          "for fp8: selective keeps attention layers and the Mamba layer before each, and the output matrix; layers "
          "keeps the output matrix; all keeps nothing but the embedding (default selective)")
      ->check(CLI::IsMember({"selective", "layers", "all"}))
      ->type_name("NAME");
}

}  // namespace adder
