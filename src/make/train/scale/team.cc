#include "make/train/scale/team.h"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace adder {
namespace {

constexpr std::chrono::minutes kLongestWait{60};  // for a process that judges, say
constexpr int64_t kBucket = int64_t{1} << 24;     // numbers that go out together

/// Nothing where the variable is not set.
Result<std::optional<int>> number(const char* variable, int most) {
  const char* const text = std::getenv(variable);
  if (!text) return std::optional<int>();
  const std::string_view view = text;
  int value = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  if (error != std::errc() || end != view.data() + view.size() || value < 0 || value > most)
    return Error::usage("{} is '{}', expected a number from 0 to {}", variable, view, most);
  return std::optional(value);
}

/// torchrun may hold MASTER_PORT itself, for a store of its own version; ours is then the next one.
bool agent_has_port() {
  const char* const text = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
  return text && std::string_view(text) == "True";
}

}  // namespace

Result<Place> Place::from_environment() {
  constexpr int kMost = 1 << 20;
  Place place;
  TRY_ASSIGN(const auto size, number("WORLD_SIZE", kMost));
  TRY_ASSIGN(const auto rank, number("RANK", kMost));
  TRY_ASSIGN(const auto port, number("MASTER_PORT", 65534));
  if (size && *size > 1) {
    if (!rank || *rank >= *size)
      return Error::usage("WORLD_SIZE is {}, RANK {}, expected one below it", *size,
                          rank ? fmt::format("{}", *rank) : "not set");
    place.size = *size;
    place.rank = *rank;
  }
  if (const char* const host = std::getenv("MASTER_ADDR"); host && *host) place.host = host;
  place.port = static_cast<uint16_t>(port.value_or(place.port) + (agent_has_port() ? 1 : 0));
  return place;
}

Team::Team() = default;
Team::~Team() = default;
Team::Team(Team&&) noexcept = default;

Result<Team> Team::join(const Place& place) {
  Team team;
  team.place_ = place;
  if (place.size == 1) return team;
  try {
    c10d::TCPStoreOptions store;
    store.port = place.port;
    store.isServer = place.rank == 0;
    store.numWorkers = static_cast<size_t>(place.size);
    store.timeout = place.patience;
    auto options = c10d::ProcessGroupGloo::Options::create(kLongestWait);
    options->devices.push_back(c10d::ProcessGroupGloo::createDefaultDevice());
    const auto group = c10::make_intrusive<c10d::ProcessGroupGloo>(
        c10::make_intrusive<c10d::TCPStore>(place.host, store), place.rank, place.size, options);
    team.group_ = {group.get(), [group](c10d::ProcessGroup*) {}};
    team.wait();
  } catch (const std::exception& error) {
    return Error::io("process {} of {} at {}:{}: {}", place.rank, place.size, place.host, place.port,
                     std::string_view(error.what()).substr(0, 200));
  }
  return team;
}

template <class Collective>
void Team::in_buckets(std::span<const torch::Tensor> tensors, const Collective& collective) const {
  for (size_t begin = 0, end = 0; begin < tensors.size(); begin = end) {
    std::vector<torch::Tensor> flat;
    for (int64_t n = 0; end < tensors.size() && (end == begin || n + tensors[end].numel() <= kBucket); ++end) {
      flat.push_back(tensors[end].detach().reshape(-1));
      n += tensors[end].numel();
    }
    std::vector<torch::Tensor> together = {at::cat(flat)};
    collective(together);
    int64_t at = 0;
    for (size_t i = begin; i < end; ++i) {
      tensors[i].detach().copy_(together[0].narrow(0, at, tensors[i].numel()).view_as(tensors[i]));
      at += tensors[i].numel();
    }
  }
}

void Team::sum(std::span<const torch::Tensor> tensors) const {
  if (!group_) return;
  in_buckets(tensors, [&](std::vector<torch::Tensor>& together) { group_->allreduce(together)->wait(); });
}

void Team::share(std::span<const torch::Tensor> tensors, int owner) const {
  if (!group_) return;
  c10d::BroadcastOptions options;
  options.rootRank = owner;
  in_buckets(tensors, [&](std::vector<torch::Tensor>& together) { group_->broadcast(together, options)->wait(); });
}

int64_t Team::least(int64_t value) const {
  if (!group_) return value;
  c10d::AllreduceOptions options;
  options.reduceOp = c10d::ReduceOp::MIN;
  std::vector<torch::Tensor> one = {at::full({1}, value, torch::kInt64)};
  group_->allreduce(one, options)->wait();
  return one[0].item<int64_t>();
}

void Team::wait() const {
  if (group_) group_->barrier()->wait();
}

}  // namespace adder
