#pragma once

#include "core/template/value.h"

namespace adder::jinja {

/// The functions every template finds, as names of `variables`:
///   raise_exception(message)   the conversation does not suit the template: kUsage with the message
///   strftime_now(format)       the time of day that the caller states, by the C library's strftime
///   range([begin,] end[, step])   at most 100,000 integers
///   namespace(name=value, ...)    what {% set ns.name = value %} can change
///   dict(name=value, ...)
void add_functions(Map& variables);

}  // namespace adder::jinja
