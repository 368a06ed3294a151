#include "make/train/data/corpus.h"

#include <algorithm>
#include <charconv>

#include "core/base/atomic_file.h"
#include "core/base/hash.h"

namespace adder {

Result<std::vector<Book>> read_corpus(const std::filesystem::path& directory, const std::vector<int64_t>& held_out) {
  std::error_code failure;
  std::filesystem::directory_iterator files(directory, failure);
  if (failure) return Error::not_found("{}: cannot list the directory ({})", directory.string(), failure.message());

  std::vector<Book> books;
  for (const auto& file : files) {
    Book book;
    book.name = file.path().filename().string();
    if (!file.is_regular_file() || file.path().extension() != ".txt") continue;
    const char* end = book.name.data() + book.name.size();
    const auto number = std::from_chars(book.name.data(), end, book.id);
    if (number.ec != std::errc() || number.ptr == end || *number.ptr != '-') continue;
    TRY_ASSIGN(book.text, read_file(file.path()));
    book.hash = hash128_hex(std::as_bytes(std::span(book.text)));
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
    return Error::not_found("{}: no file \"<id>-<title>.txt\" to train on", directory.string());
  }
  return books;
}

}  // namespace adder
