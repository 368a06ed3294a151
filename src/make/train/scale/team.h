#pragma once

#include "make/train/base/torch.h"

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "core/base/result.h"

namespace c10d {
class ProcessGroup;
}

namespace adder {

/// Who a process is among those that train one model together, as torchrun tells its workers in the environment:
///     RANK, WORLD_SIZE             which of how many processes; none: alone
///     MASTER_ADDR, MASTER_PORT     where rank 0 waits for the others (127.0.0.1, 29500)
/// Under MPI or Slurm the launch line sets them (docs/training.md).
struct Place {
  int rank = 0, size = 1;
  std::string host = "127.0.0.1";
  uint16_t port = 29500;
  std::chrono::milliseconds patience = std::chrono::minutes(10);  ///< until all are there

  /// kUsage for values that are no such numbers.
  static Result<Place> from_environment();
};

/// The processes that train one model together: torch.distributed's process group, Gloo. Alone it does nothing. Every
/// process calls the same functions in the same order; each ends when all have called it. A process that is lost makes
/// the others throw (libtorch's exceptions) at once, one that hangs after an hour.
class Team {
 public:
  Team();  ///< alone
  /// Waits for all of them. kIo when they do not come.
  static Result<Team> join(const Place& place);
  ~Team();
  Team(Team&&) noexcept;

  int rank() const { return place_.rank; }
  int size() const { return place_.size; }
  bool leads() const { return place_.rank == 0; }

  /// Each tensor becomes its sum over the processes, the same bits on all of them.
  void sum(std::span<const torch::Tensor> tensors) const;
  /// Each tensor becomes that of process `owner`.
  void share(std::span<const torch::Tensor> tensors, int owner) const;
  int64_t least(int64_t value) const;
  void wait() const;

 private:
  template <class Collective>
  void in_buckets(std::span<const torch::Tensor> tensors, const Collective& collective) const;

  Place place_;
  std::shared_ptr<c10d::ProcessGroup> group_;
};

}  // namespace adder
