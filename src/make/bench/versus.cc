#include "make/bench/versus.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

extern char** environ;

namespace adder {
namespace {

/// Standard output of a program that is run to its end.
Result<std::string> output_of(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error::io("no pipe: {}", std::strerror(errno));
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t child = 0;
  const int failed = posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (failed != 0) {
    close(ends[0]);
    return Error::not_found("{}: cannot be started: {}", command[0], std::strerror(failed));
  }

  std::string text;
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t n = read(ends[0], piece.data(), piece.size());
    if (n > 0) text.append(piece.data(), static_cast<size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR)) break;
  }
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return Error::unsupported("{} bench failed with {} {}", command[0], WIFEXITED(status) ? "status" : "signal",
                              WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  return text;
}

VersusRow::Sides sides(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] / b[i]);
  return {spread(a), spread(b), spread(ratios)};
}

}  // namespace

Result<Rates> run_bench(const std::filesystem::path& program, const std::filesystem::path& model, const Case& c,
                        DType kv_type, DType state_type) {
  std::vector<std::string> command = {program.string(), "bench",
                                      model.string(),   "--json",
                                      "--repetitions",  "1",
                                      "--prompt",       std::to_string(c.prompt),
                                      "--generate",     std::to_string(c.generate),
                                      "--depth",        std::to_string(c.depth),
                                      "--threads",      std::to_string(c.threads),
                                      "--kv-type",      std::string(name(kv_type))};
  if (state_type != DType::kF32) command.insert(command.end(), {"--state-type", std::string(name(state_type))});
  if (c.batch != 1) command.insert(command.end(), {"--batch", std::to_string(c.batch)});
  TRY_ASSIGN(const std::string text, output_of(command));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto rate = [&](const char* key) {
    return json.is_object() && json.contains(key) && json[key].is_number() ? json[key].get<double>() : 0;
  };
  const Rates rates{rate("prompt_tokens_per_s"), rate("generate_tokens_per_s")};
  if (!(rates.prompt > 0) || !(rates.generate > 0))
    return Error::unsupported("{} bench --json: expected prompt_tokens_per_s and generate_tokens_per_s, found {:.60}",
                              program.string(), text.empty() ? "nothing" : text.substr(0, text.find('\n')));
  return rates;
}

Result<VersusRow> compare_in_turns(const RunCase& a, const RunCase& b, const Case& c, int rounds) {
  std::vector<double> prompt_a, prompt_b, generate_a, generate_b;
  for (int round = 0; round < rounds; ++round) {
    TRY_ASSIGN(const Rates ours, a(c));
    TRY_ASSIGN(const Rates theirs, b(c));
    prompt_a.push_back(ours.prompt);
    prompt_b.push_back(theirs.prompt);
    generate_a.push_back(ours.generate);
    generate_b.push_back(theirs.generate);
  }
  return VersusRow{c, sides(prompt_a, prompt_b), sides(generate_a, generate_b)};
}

}  // namespace adder
