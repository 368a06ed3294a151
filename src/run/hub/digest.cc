#include "run/hub/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "run/hub/shared_library.h"

namespace adder {
namespace {

struct Crypto {
  decltype(&::EVP_MD_CTX_new) context_new;
  decltype(&::EVP_MD_CTX_free) context_free;
  decltype(&::EVP_DigestInit_ex) init;
  decltype(&::EVP_DigestUpdate) update;
  decltype(&::EVP_DigestFinal_ex) final;
  decltype(&::EVP_sha1) sha1;
  decltype(&::EVP_sha256) sha256;

  static Result<Crypto> open() {
    TRY_ASSIGN(const SharedLibrary library, SharedLibrary::open({"libcrypto.so.3", "libcrypto.so.1.1"}, "libssl3"));
    Crypto c{};
    TRY(library.find("EVP_MD_CTX_new", c.context_new));
    TRY(library.find("EVP_MD_CTX_free", c.context_free));
    TRY(library.find("EVP_DigestInit_ex", c.init));
    TRY(library.find("EVP_DigestUpdate", c.update));
    TRY(library.find("EVP_DigestFinal_ex", c.final));
    TRY(library.find("EVP_sha1", c.sha1));
    TRY(library.find("EVP_sha256", c.sha256));
    return c;
  }
};

const Result<Crypto>& crypto() {
  static const Result<Crypto> opened = Crypto::open();
  return opened;
}

EVP_MD_CTX* typed(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}

}  // namespace

std::string_view name(DigestKind kind) {
  return kind == DigestKind::kSha256 ? "sha256" : "git_sha1";
}

bool is_digest(DigestKind kind, std::string_view hex) {
  return hex.size() == (kind == DigestKind::kSha256 ? 64u : 40u) &&
         std::ranges::all_of(hex, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<Digest> Digest::begin(DigestKind kind, uint64_t size) {
  if (!crypto()) return crypto().error();
  Digest digest(crypto()->context_new());
  const EVP_MD* const algorithm = kind == DigestKind::kSha256 ? crypto()->sha256() : crypto()->sha1();
  if (!digest.context_ || crypto()->init(typed(digest.context_.get()), algorithm, nullptr) != 1)
    return Error::unsupported("libcrypto refuses to compute {}", kind == DigestKind::kSha256 ? "SHA-256" : "SHA-1");
  if (kind == DigestKind::kGitBlob) {
    const std::string head = fmt::format("blob {}", size);
    digest.update(std::as_bytes(std::span(head.c_str(), head.size() + 1)));  // with its NUL
  }
  return digest;
}

void Digest::update(std::span<const std::byte> bytes) {
  CHECK(crypto()->update(typed(context_.get()), bytes.data(), bytes.size()) == 1);
}

std::string Digest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned size = 0;
  CHECK(crypto()->final(typed(context_.get()), bytes.data(), &size) == 1);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

void Digest::Free::operator()(void* context) const {
  crypto()->context_free(typed(context));
}

}  // namespace adder
