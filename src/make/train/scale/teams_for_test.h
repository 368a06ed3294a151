#pragma once

#include "make/train/scale/team.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>
#include <vector>

namespace adder::test {

/// A port that nobody has now.
inline uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

/// A team of threads: to libtorch they are processes.
inline void run_team(int size, const std::function<void(const Team&)>& body) {
  const uint16_t port = free_port();
  std::vector<std::jthread> members;
  for (int rank = 0; rank < size; ++rank) {
    members.emplace_back([&body, rank, size, port] {
      use_one_thread_per_caller();
      const auto team = Team::join({.rank = rank, .size = size, .port = port});
      ASSERT_TRUE(team) << team.error().message();
      body(*team);
    });
  }
}

}  // namespace adder::test
