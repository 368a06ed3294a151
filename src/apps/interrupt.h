#pragma once

namespace adder {

/// From now on the first Ctrl-C (or SIGTERM) only raises a flag, so that work can end with what it has; a second one
/// ends the process at once.
void watch_for_interrupt();

bool interrupted();

/// The flag is down again, and the next Ctrl-C raises it: for programs that go on after what it ended.
void forget_interrupt();

}  // namespace adder
