#include "core/text/tokenizer.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/formats/model_file.h"
#include "core/formats/names.h"
#include "core/text/bpe.h"
#include "core/text/byte_alphabet.h"
#include "core/text/pretokenizer_rules.h"
#include "core/text/special_tokens.h"
#include "core/text/token_table.h"
#include "core/text/tokenizer_io.h"

namespace adder {
namespace {

/// A token recognised in text is looked for at every byte, at a cost that grows with its length.
constexpr size_t kMaxSpecialBytes = 1024;

constexpr TokenId kNoToken = -1;

bool is_silent(TokenType type) {
  return type == TokenType::kControl || type == TokenType::kUnknown || type == TokenType::kUnused;
}

/// Bytes that UTF-8 never uses, that begin the unassigned planes 4 to 11, and control characters but tab and newline:
/// a vocabulary learnt from text may lack these.
bool occurs_in_printable_text(uint8_t byte) {
  if (byte < 0x80) return byte == '\t' || byte == '\n' || (byte >= 0x20 && byte != 0x7f);
  return byte != 0xc0 && byte != 0xc1 && byte != 0xf1 && byte != 0xf2 && byte < 0xf5;
}

Status check_id(const TokenizerData& data, TokenId id, std::string_view what) {
  if (id >= 0 && static_cast<size_t>(id) < data.tokens.size()) return {};
  return Error::corrupt("tokenizer: {} token id {} is not among the {} tokens", what, id, data.tokens.size());
}

Status check_ids(const TokenizerData& data) {
  const std::array<std::pair<TokenId, std::string_view>, 4> named = {
      {{data.bos, "begin"}, {data.eos, "end"}, {data.pad, "padding"}, {data.unk, "unknown"}}};
  for (const auto& [id, what] : named)
    if (id != kNoToken) TRY(check_id(data, id, what));
  for (const TokenId id : data.stop_ids) TRY(check_id(data, id, "stop"));
  if (data.add_bos && data.bos == kNoToken)
    return Error::corrupt("tokenizer: a begin token is to be added, but none is named");
  return {};
}

}  // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerData from, Pretokenizer by)
      : data(std::move(from)), pretokenizer(std::move(by)), table(data.tokens), merges(data.merges.size()) {
    byte_ids.fill(kNoToken);
  }

  Status check_tokens() const;
  Status index_merges();
  Status index_bytes();
  Status index_specials();
  struct Joined {
    std::string text;
    TokenId last = 0;
  };
  Status add_merge(int32_t rank, Joined& joined);
  std::optional<TokenId> find_joined(const Joined& joined) const;

  std::optional<TokenId> find(std::string_view text) const { return table.find(data.tokens, text); }
  TokenType type(TokenId id) const { return data.types[static_cast<size_t>(id)]; }

  struct Workspace {
    std::vector<std::string_view> pieces;
    std::string letters;
    BpeMerges::Workspace bpe;
  };
  void encode_plain(std::string_view text, Workspace& workspace, std::vector<TokenId>& ids) const;
  void encode_piece(std::string_view piece, Workspace& workspace, std::vector<TokenId>& ids) const;

  TokenizerData data;
  Pretokenizer pretokenizer;
  TokenTable table;
  BpeMerges merges;
  std::array<TokenId, 256> byte_ids;
  SpecialTokens user_defined, all_special;
  std::string bytes;            // of all tokens, one after another
  std::vector<size_t> offsets;  // into bytes, one more than tokens
};

Status Tokenizer::Impl::check_tokens() const {
  const size_t n = data.tokens.size();
  if (n == 0) return Error::corrupt("tokenizer: no tokens");
  if (n > static_cast<size_t>(std::numeric_limits<TokenId>::max()))
    return Error::too_large("tokenizer: {} tokens, ids end at {}", n, std::numeric_limits<TokenId>::max());
  if (data.types.size() != n) return Error::corrupt("tokenizer: {} tokens, but {} types", n, data.types.size());
  if (const auto second = table.duplicate()) {
    const std::string& text = data.tokens[static_cast<size_t>(*second)];
    return Error::corrupt("tokenizer: {} is token {} and token {}", quote(text), *find(text), *second);
  }
  for (size_t id = 0; id < n; ++id)
    if (!is_utf8(data.tokens[id]))
      return Error::corrupt("tokenizer: token {} {} is not UTF-8", id, quote(data.tokens[id]));
  return check_ids(data);
}

Status Tokenizer::Impl::index_merges() {
  if (data.merges.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max() - 1))
    return Error::too_large("tokenizer: {} merges", data.merges.size());
  Joined joined;
  for (size_t rank = 0; rank < data.merges.size(); ++rank) TRY(add_merge(static_cast<int32_t>(rank), joined));
  return {};
}

/// Vocabularies list tokens in the order of the merges that make them, so most often this is the last one found or the
/// one after it, which spares the walk through memory that loading a large vocabulary otherwise is.
std::optional<TokenId> Tokenizer::Impl::find_joined(const Joined& joined) const {
  const auto last = static_cast<size_t>(joined.last);
  for (size_t id = last; id < std::min(last + 2, data.tokens.size()); ++id)
    if (data.tokens[id] == joined.text) return static_cast<TokenId>(id);
  return find(joined.text);
}

Status Tokenizer::Impl::add_merge(int32_t rank, Joined& joined) {
  const std::string& text = data.merges[static_cast<size_t>(rank)];
  const size_t space = text.find(' ');
  if (space == std::string::npos || space == 0 || space + 1 == text.size() || text.find(' ', space + 1) != text.npos)
    return Error::corrupt("tokenizer: merge {} is {}, expected two tokens with one space between", rank, quote(text));
  const std::string_view left = std::string_view(text).substr(0, space),
                         right = std::string_view(text).substr(space + 1);
  joined.text.assign(left).append(right);
  const std::array<std::optional<TokenId>, 3> ids = {find(left), find(right), find_joined(joined)};
  const std::array<std::string_view, 3> texts = {left, right, joined.text};
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!ids[i]) return Error::corrupt("tokenizer: merge {} {}: {} is not a token", rank, quote(text), quote(texts[i]));
    if (is_silent(type(*ids[i])))
      return Error::corrupt("tokenizer: merge {} {}: {} is a control token", rank, quote(text), quote(texts[i]));
  }
  joined.last = *ids[2];
  if (!merges.add(*ids[0], *ids[1], rank, *ids[2]))
    return Error::corrupt("tokenizer: merge {} {} is there twice", rank, quote(text));
  return {};
}

Status Tokenizer::Impl::index_bytes() {
  for (size_t at = 0; at < byte_ids.size(); ++at) {
    const auto byte = static_cast<uint8_t>(at);
    const auto id = find(byte_letter(byte));
    // A user-defined token that looks like the letter of a byte stands for the letter itself.
    if (id && type(*id) == TokenType::kNormal) {
      byte_ids[at] = *id;
    } else if (occurs_in_printable_text(byte)) {
      return Error::corrupt("tokenizer: no token for byte {:#04x} alone, so not a byte-level vocabulary", byte);
    }
  }
  offsets.push_back(0);
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    const auto spelled = data.types[id] == TokenType::kNormal ? bytes_of_letters(data.tokens[id]) : std::nullopt;
    bytes += spelled ? *spelled : data.tokens[id];
    offsets.push_back(bytes.size());
  }
  return {};
}

Status Tokenizer::Impl::index_specials() {
  for (size_t at = 0; at < data.tokens.size(); ++at) {
    const auto id = static_cast<TokenId>(at);
    const bool user = type(id) == TokenType::kUserDefined;
    if (!user && type(id) != TokenType::kControl && type(id) != TokenType::kUnknown) continue;
    if (data.tokens[at].size() > kMaxSpecialBytes)
      return Error::too_large("tokenizer: special token {} has {} bytes, at most {} are supported", id,
                              data.tokens[at].size(), kMaxSpecialBytes);
    if (user) user_defined.add(data.tokens[at], id);
    all_special.add(data.tokens[at], id);
  }
  user_defined.finish();
  all_special.finish();
  return {};
}

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::from_file(const ModelFile& file) {
  const auto load = [&]() -> Result<Tokenizer> {
    if (const Gguf* gguf = file.gguf()) {
      TRY_ASSIGN(TokenizerData data, tokenizer_from_gguf(*gguf));
      return from_data(std::move(data));
    }
    TRY_ASSIGN(TokenizerData data, tokenizer_from_hf(*file.hf()));
    return from_data(std::move(data));
  };
  Result<Tokenizer> tokenizer = load();
  if (!tokenizer) return std::move(tokenizer).error().in(file.path());
  return tokenizer;
}

Result<Tokenizer> Tokenizer::from_data(TokenizerData data) {
  TRY_ASSIGN(const std::vector<SplitStep> steps, split_of(data.split, data.pre));
  TRY_ASSIGN(Pretokenizer pretokenizer, Pretokenizer::from_steps(steps));
  auto impl = std::make_unique<Impl>(std::move(data), std::move(pretokenizer));
  TRY(impl->check_tokens());
  TRY(impl->index_merges());
  TRY(impl->index_bytes());
  TRY(impl->index_specials());
  return Tokenizer(std::move(impl));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::vector<TokenId> ids;
  const bool bos_added = options.add_bos && impl_->data.add_bos;
  if (bos_added) ids.push_back(impl_->data.bos);
  const SpecialTokens& specials = options.parse_special ? impl_->all_special : impl_->user_defined;
  Impl::Workspace workspace;
  size_t done = 0;
  while (const auto special = specials.find(text, done)) {
    impl_->encode_plain(text.substr(done, special->begin - done), workspace, ids);
    const bool second_bos = bos_added && special->begin == 0 && special->id == impl_->data.bos;
    if (!second_bos) ids.push_back(special->id);
    done = special->begin + special->bytes;
  }
  impl_->encode_plain(text.substr(done), workspace, ids);
  return ids;
}

void Tokenizer::Impl::encode_plain(std::string_view text, Workspace& workspace, std::vector<TokenId>& ids) const {
  workspace.pieces.clear();
  pretokenizer.split(text, workspace.pieces);
  for (const std::string_view piece : workspace.pieces) encode_piece(piece, workspace, ids);
}

void Tokenizer::Impl::encode_piece(std::string_view piece, Workspace& workspace, std::vector<TokenId>& ids) const {
  if (data.ignore_merges) {
    workspace.letters.clear();
    append_byte_letters(piece, workspace.letters);
    // A control token that happens to be spelled so is not meant: that is what parse_special is for.
    if (const auto whole = find(workspace.letters); whole && type(*whole) == TokenType::kNormal) {
      ids.push_back(*whole);
      return;
    }
  }
  const size_t begin = ids.size();
  for (const char c : piece)
    if (const TokenId id = byte_ids[static_cast<uint8_t>(c)]; id != kNoToken) ids.push_back(id);
  merges.merge(ids, begin, workspace.bpe);
}

std::string_view Tokenizer::token_bytes(TokenId id, bool special) const {
  if (id < 0 || id >= vocab_size() || (!special && is_silent(impl_->type(id)))) return {};
  const auto at = static_cast<size_t>(id);
  return std::string_view(impl_->bytes).substr(impl_->offsets[at], impl_->offsets[at + 1] - impl_->offsets[at]);
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool special) const {
  std::string text;
  for (const TokenId id : ids) text += token_bytes(id, special);
  return text;
}

int64_t Tokenizer::vocab_size() const {
  return static_cast<int64_t>(impl_->data.tokens.size());
}

TokenType Tokenizer::type(TokenId id) const {
  CHECK(id >= 0 && id < vocab_size(), "token {} of {}", id, vocab_size());
  return impl_->type(id);
}

std::optional<TokenId> Tokenizer::find(std::string_view stored_text) const {
  return impl_->find(stored_text);
}

bool Tokenizer::is_stop(TokenId id) const {
  const auto& stops = impl_->data.stop_ids;
  return std::find(stops.begin(), stops.end(), id) != stops.end();
}

const TokenizerData& Tokenizer::data() const {
  return impl_->data;
}

}  // namespace adder
