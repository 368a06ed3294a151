#include "tests/memory/failing_memory.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>
#include <span>

#include "core/base/check.h"
#include "core/base/testing/sanitizer.h"

namespace adder::testing {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

std::atomic<bool> armed{false};
std::atomic<int64_t> requests_made{0};
std::atomic<bool> refused{false};
std::atomic<int64_t> first_refused{kNever}, last_refused{kNever};

/// Places seen, without a container, for it would ask for memory itself.
struct Sites {
  std::mutex mutex;
  std::array<uint64_t, 1 << 14> stacks{};
  std::array<int64_t, 1 << 12> firsts{};
  size_t n = 0;

  void see(int64_t request) {
    std::array<void*, 64> frames{};
    const auto depth = static_cast<size_t>(backtrace(frames.data(), static_cast<int>(frames.size())));
    uint64_t hash = 0xcbf29ce484222325;
    for (void* frame : std::span(frames).first(depth))
      hash = (hash ^ reinterpret_cast<uintptr_t>(frame)) * 0x9e3779b97f4a7c15, hash ^= hash >> 29;
    std::lock_guard lock(mutex);
    size_t slot = hash % stacks.size();
    while (stacks[slot] != 0 && stacks[slot] != hash) slot = (slot + 1) % stacks.size();
    if (stacks[slot] == hash) return;
    stacks[slot] = hash;
    CHECK(n < firsts.size(), "more than {} places that ask for memory", n);
    firsts[n++] = request;
  }
};
Sites sites;
std::atomic<bool> watching{false};
thread_local bool inside = false;  // backtrace asks for memory too

bool refuses() {
  if (!armed.load(std::memory_order_relaxed) || inside) return false;
  inside = true;
  const int64_t request = ++requests_made;
  if (watching) sites.see(request);
  inside = false;
  if (request < first_refused || request > last_refused) return false;
  refused = true;
  errno = ENOMEM;
  return true;
}

void arm(int64_t first, int64_t last) {
  CHECK(!armed, "one at a time");
  requests_made = 0;
  refused = false;
  first_refused = first;
  last_refused = last;
  armed = true;
}

}  // namespace

FailingMemory::FailingMemory(int64_t n, How how) {
  arm(n, how == How::kOnce ? n : kNever);
}
FailingMemory::~FailingMemory() {
  armed = false;
}
bool FailingMemory::has_refused() const {
  return refused;
}

std::vector<int64_t> first_requests(FunctionRef<void()> f) {
  std::array<void*, 1> frame{};
  backtrace(frame.data(), 1);  // the first call loads a library
  sites.stacks = {};
  sites.n = 0;
  watching = true;
  arm(kNever, kNever);
  f();
  armed = watching = false;
  return {sites.firsts.begin(), sites.firsts.begin() + static_cast<std::ptrdiff_t>(sites.n)};
}

}  // namespace adder::testing

using adder::testing::refuses;

extern "C" {

void* mmap(void* address, size_t length, int protection, int flags, int file, off_t offset) noexcept {
  using Mmap = void* (*)(void*, size_t, int, int, int, off_t);
  static const auto next = reinterpret_cast<Mmap>(dlsym(RTLD_NEXT, "mmap"));
  return refuses() ? MAP_FAILED : next(address, length, protection, flags, file, offset);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto next = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return refuses() ? EAGAIN : next(thread, attributes, start, argument);
}

}  // extern "C"

#if ADDER_ASAN || ADDER_TSAN

// GCC 12 follows a replaced operator delete into free() and misses that the replaced operator new came from malloc().
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return refuses() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void* operator new(size_t size) {
  if (void* memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void* operator new[](size_t size) {
  return operator new(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return operator new(size, std::nothrow);
}
void* operator new(size_t size, std::align_val_t alignment) {
  const auto step = static_cast<size_t>(alignment);
  if (void* memory = refuses() ? nullptr : std::aligned_alloc(step, (size + step - 1) / step * step)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#else

extern "C" {

void* __libc_malloc(size_t size);  // glibc's own, under the names it keeps for those who replace them
void* __libc_calloc(size_t n, size_t size);
void* __libc_realloc(void* memory, size_t size);

void* malloc(size_t size) noexcept {
  return refuses() ? nullptr : __libc_malloc(size);
}
void* calloc(size_t n, size_t size) noexcept {
  return refuses() ? nullptr : __libc_calloc(n, size);
}
void* realloc(void* memory, size_t size) noexcept {
  return refuses() ? nullptr : __libc_realloc(memory, size);
}

}  // extern "C"

#endif
