#pragma once

#include "core/text/tokenizer.h"

namespace adder {

/// Adds one id to data.stop_ids, once.
void add_stop(TokenizerData& data, TokenId id);

/// Adds the control tokens that by their name end a sequence or a turn. Files name one end token, rarely all: chat
/// models of the Nemotron family end a turn with <|im_end|> and a document with </s>.
void add_stops_by_name(TokenizerData& data);

}  // namespace adder
