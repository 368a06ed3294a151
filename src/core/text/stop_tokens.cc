#include "core/text/stop_tokens.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace adder {
namespace {

constexpr std::array<std::string_view, 6> kStopNames = {"</s>",       "<|im_end|>", "<|endoftext|>", "<|end_of_text|>",
                                                        "<|eot_id|>", "<|eom_id|>"};

}  // namespace

void add_stop(TokenizerData& data, TokenId id) {
  if (std::find(data.stop_ids.begin(), data.stop_ids.end(), id) == data.stop_ids.end()) data.stop_ids.push_back(id);
}

void add_stops_by_name(TokenizerData& data) {
  for (size_t id = 0; id < std::min(data.tokens.size(), data.types.size()); ++id) {
    if (data.types[id] != TokenType::kControl) continue;
    if (std::find(kStopNames.begin(), kStopNames.end(), data.tokens[id]) != kStopNames.end())
      add_stop(data, static_cast<TokenId>(id));
  }
}

}  // namespace adder
