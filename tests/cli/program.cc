#include "program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <span>

#include "core/base/check.h"

namespace adder {
namespace {

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    std::array<int, 2> ends;
    CHECK(pipe2(ends.data(), O_CLOEXEC) == 0, "pipe");
    read = ends[0];
    write = ends[1];
  }
};

[[noreturn]] void become_adder(const Call& call, const Pipe& in, const Pipe& out, const Pipe& err) {
  unsetenv("ADDER_MODEL");
  unsetenv("ADDER_ISA");
  for (const auto& [name, value] : call.environment) setenv(name.c_str(), value.c_str(), 1);
  if (!call.directory.empty() && chdir(call.directory.c_str()) != 0) _exit(99);
  const rlimit largest = {call.largest_file, call.largest_file};
  if (call.largest_file > 0) setrlimit(RLIMIT_FSIZE, &largest);
  dup2(in.read, STDIN_FILENO);
  dup2(call.out_path.empty() ? out.write : open(call.out_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644),
       STDOUT_FILENO);
  dup2(err.write, STDERR_FILENO);
  std::string binary = getenv("ADDER_BINARY");
  std::vector<std::string> arguments = call.arguments;
  std::vector<char*> argv = {binary.data()};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(binary.c_str(), argv.data());
  _exit(99);
}

using Moment = std::chrono::steady_clock::time_point;
constexpr Moment kNever = Moment::max();

/// Until something comes or the moment does.
void wait_for(std::span<pollfd> fds, Moment until) {
  timespec left = {};
  if (until != kNever) {
    const auto ns = std::max<int64_t>(0, std::chrono::nanoseconds(until - std::chrono::steady_clock::now()).count());
    left = {ns / 1'000'000'000, ns % 1'000'000'000};
  }
  ppoll(fds.data(), fds.size(), until != kNever ? &left : nullptr, nullptr);
}

/// Appends what is there; false at the end of the stream.
bool drain(int fd, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t n = read(fd, buffer.data(), buffer.size());
  if (n > 0) text.append(buffer.data(), static_cast<size_t>(n));
  return n > 0;
}

}  // namespace

nlohmann::json& Outcome::json() const {
  static std::deque<nlohmann::json> all;
  return all.emplace_back(nlohmann::json::parse(out));
}

Outcome run_adder(const Call& call) {
  CHECK(getenv("ADDER_BINARY") != nullptr, "ADDER_BINARY must name the program under test");
  std::signal(SIGPIPE, SIG_IGN);  // a program may end without reading its input
  Pipe in, out, err;
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  CHECK(child >= 0, "fork");
  if (child == 0) become_adder(call, in, out, err);
  close(in.read);
  close(out.write);
  close(err.write);

  Outcome outcome;
  std::string_view input = call.input;
  bool interrupt = call.interrupt_after_bytes > 0;
  Moment kill_at = call.kill_after ? start + *call.kill_after : kNever;
  std::array<pollfd, 3> fds = {{{out.read, POLLIN, 0}, {err.read, POLLIN, 0}, {in.write, POLLOUT, 0}}};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (fds[2].fd >= 0 && input.empty()) {
      close(in.write);
      fds[2].fd = -1;
    }
    if (std::chrono::steady_clock::now() >= kill_at) {
      kill(child, SIGKILL);
      kill_at = kNever;
    }
    wait_for(fds, kill_at);
    if (fds[0].revents != 0 && !drain(out.read, outcome.out)) fds[0].fd = -1;
    if (fds[1].revents != 0 && !drain(err.read, outcome.err)) fds[1].fd = -1;
    if (fds[2].revents != 0) {
      const ssize_t n = write(in.write, input.data(), std::min<size_t>(input.size(), 4096));
      input.remove_prefix(n < 0 ? input.size() : static_cast<size_t>(n));
    }
    if (interrupt && outcome.out.size() >= call.interrupt_after_bytes) {
      kill(child, SIGINT);
      interrupt = false;
    }
  }
  if (fds[2].fd >= 0) close(in.write);
  close(out.read);
  close(err.read);
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  outcome.peak_bytes = int64_t{usage.ru_maxrss} * 1024;
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

const std::filesystem::path& scratch() {
  struct Folder {
    std::filesystem::path path;
    Folder() {
      std::string name = (std::filesystem::temp_directory_path() / "adder-cli-XXXXXX").string();
      CHECK(mkdtemp(name.data()) != nullptr, "{}", name);
      path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
  };
  static const Folder folder;
  return folder.path;
}

const std::string& tiny_model() {
  static const std::string path = [] {
    const std::string target = scratch() / "tiny.gguf";
    const Outcome made = run_adder({"synth", "--preset", "tiny", "--type", "q4_k_m", target});
    CHECK(made.status == 0, "{}", made.err);
    return target;
  }();
  return path;
}

}  // namespace adder
