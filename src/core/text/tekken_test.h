#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <string>
#include <unordered_map>

#include "core/base/atomic_file.h"
#include "core/formats/hf_directory.h"
#include "core/text/byte_alphabet.h"
#include "core/text/tokenizer.h"

namespace adder {

inline std::string from_base64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0, n_bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = (bits << 6) | static_cast<uint32_t>(kDigits.find(c));
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    bytes += static_cast<char>((bits >> n_bits) & 0xff);
  }
  return bytes;
}

/// Tekken of July 2024 (Mistral-NeMo) from its table of ranks, ADDER_DATA/tokenizer/tekken_240718.ranks.json, in the
/// form in which the Nemotron-H family carries it: 1000 special ids, then the ranks in order; a merge for every way to
/// make a token of two others, by rank of the token, then of the left part, then of the right.
inline Result<TokenizerData> tekken_data(const std::string& data_folder) {
  constexpr int kSpecials = 1000;
  const std::string path = data_folder + "/tokenizer/tekken_240718.ranks.json";
  TRY_ASSIGN(const std::string text, read_file(path));
  TRY_ASSIGN(const nlohmann::json file, parse_json(text, path));
  // "! OFFSET TOKEN TOKEN ...": the first token has rank OFFSET.
  std::map<size_t, std::string> by_rank;
  std::istringstream words(file["bpe_ranks"].get<std::string>());
  size_t next_rank = 0;
  for (std::string word; words >> word;) {
    if (word == "!") {
      words >> next_rank;
    } else {
      by_rank[next_rank++] = from_base64(word);
    }
  }

  TokenizerData data;
  data.tokens = {"<unk>", "<s>", "</s>"};
  while (data.tokens.size() < kSpecials) data.tokens.push_back(fmt::format("<SPECIAL_{}>", data.tokens.size()));
  data.types.assign(kSpecials, TokenType::kControl);
  std::unordered_map<std::string_view, size_t> ranks;
  for (const auto& [rank, bytes] : by_rank) ranks[bytes] = rank;
  for (const auto& [rank, bytes] : by_rank) {
    data.tokens.emplace_back();
    append_byte_letters(bytes, data.tokens.back());
    data.types.push_back(TokenType::kNormal);
    std::vector<std::array<size_t, 3>> ways;  // rank of the left part, of the right part, bytes of the left part
    for (size_t left = 1; left < bytes.size(); ++left) {
      const std::string_view whole = bytes;
      const auto l = ranks.find(whole.substr(0, left)), r = ranks.find(whole.substr(left));
      if (l != ranks.end() && r != ranks.end()) ways.push_back({l->second, r->second, left});
    }
    std::sort(ways.begin(), ways.end());
    for (const auto& way : ways) {
      data.merges.emplace_back();
      append_byte_letters(std::string_view(bytes).substr(0, way[2]), data.merges.back());
      data.merges.back() += ' ';
      append_byte_letters(std::string_view(bytes).substr(way[2]), data.merges.back());
    }
  }
  data.pre = "tekken";
  data.ignore_merges = true;
  data.unk = 0;
  data.bos = 1;
  data.eos = 2;
  data.stop_ids = {2};
  return data;
}

}  // namespace adder
