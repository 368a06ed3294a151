#include "make/train/data/corpus.h"

#include <algorithm>
#include <charconv>

#include "core/base/atomic_file.h"
#include "core/base/hash.h"
#include "core/formats/json.h"
#include "core/formats/json_lines.h"

namespace adder {

namespace {

Result<std::vector<std::string>> documents_of(const std::filesystem::path& file, std::string text) {
  std::vector<std::string> documents;
  if (file.extension() == ".txt") {
    documents.push_back(std::move(text));
    return documents;
  }
  TRY(for_each_json_line(text, file.string(), [&](std::string_view line) -> Status {
    TRY_ASSIGN(const nlohmann::json document, parse_json(line, "a document"));
    const nlohmann::json& said = json_member(document, "text");
    if (!said.is_string()) return Error::corrupt("expected an object with a text \"text\"");
    documents.push_back(said.get<std::string>());
    return {};
  }));
  return documents;
}

}  // namespace

std::optional<int64_t> book_id(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  const char* const end = name.data() + name.size();
  int64_t id = 0;
  const auto number = std::from_chars(name.data(), end, id);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != '-') return {};
  if (file.extension() != ".txt" && file.extension() != ".jsonl") return {};
  return id;
}

Result<std::vector<Book>> read_corpus(const std::filesystem::path& directory, const std::vector<int64_t>& held_out) {
  std::error_code failure;
  std::filesystem::directory_iterator files(directory, failure);
  if (failure) return Error::not_found("{}: cannot list the directory ({})", directory.string(), failure.message());

  std::vector<Book> books;
  for (const auto& file : files) {
    const std::optional<int64_t> id = book_id(file.path());
    if (!file.is_regular_file() || !id) continue;
    Book book{.id = *id, .name = file.path().filename().string(), .documents = {}, .hash = {}};
    TRY_ASSIGN(std::string text, read_file(file.path()));
    book.hash = hash128_hex(std::as_bytes(std::span(text)));
    TRY_ASSIGN(book.documents, documents_of(file.path(), std::move(text)));
    book.held_out = std::ranges::find(held_out, book.id) != held_out.end();
    books.push_back(std::move(book));
  }
  std::ranges::sort(books, {}, &Book::id);
  if (const auto twin = std::ranges::adjacent_find(books, {}, &Book::id); twin != books.end()) {
    return Error::corrupt("{}: two files have the id {}", directory.string(), twin->id);
  }
  for (const int64_t id : held_out) {
    if (std::ranges::find(books, id, &Book::id) == books.end()) {
      return Error::not_found("{}: held-out book {} is not there", directory.string(), id);
    }
  }
  if (std::ranges::all_of(books, &Book::held_out)) {
    return Error::not_found("{}: no file \"<id>-<title>.txt\" or .jsonl to train on", directory.string());
  }
  return books;
}

}  // namespace adder
