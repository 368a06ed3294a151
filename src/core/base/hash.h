#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace adder {

/// XXH3-128 of a byte stream, for manifests and change detection (not against an adversary).
class Hash128 {
 public:
  Hash128();
  Hash128(Hash128&&) noexcept;
  Hash128& operator=(Hash128&&) noexcept;
  ~Hash128();

  void update(std::span<const std::byte> bytes);
  /// 32 lower-case hex digits, most significant first (as `xxh128sum` prints).
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string hash128_hex(std::span<const std::byte> bytes);

}  // namespace adder
