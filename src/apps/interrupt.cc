#include "apps/interrupt.h"

#include <csignal>

namespace adder {
namespace {

volatile std::sig_atomic_t raised = 0;

}  // namespace

void watch_for_interrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { raised = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second signal finds the default again
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the user's limit (ulimit -f) is an error of write, as a full disk is
}

bool interrupted() {
  return raised != 0;
}

void forget_interrupt() {
  raised = 0;
  watch_for_interrupt();
}

}  // namespace adder
