#include "make/train/loop/manifest.h"

#include "core/base/hash.h"
#include "core/base/mapped_file.h"

namespace adder {
namespace {

using Json = nlohmann::ordered_json;

Json recipe_json(const Recipe& recipe) {
  Json json;
  Recipe::visit(recipe, [&](const char* table, const char* key, const auto& field) {
    (*table ? json[table][key] : json[key]) = field;
  });
  return json;
}

}  // namespace

Result<Json> manifest(const Workshop& shop, const HeldOutLoss& loss, const std::filesystem::path& file) {
  TRY_ASSIGN(const MappedFile bytes, MappedFile::open(file));
  Json books = Json::array();
  for (const Book& book : shop.books) {
    books.push_back({{"id", book.id}, {"file", book.name}, {"xxh3_128", book.hash}, {"held_out", book.held_out}});
  }
  return Json{
      {"name", shop.recipe.name},
      {"file",
       {{"name", file.filename().string()}, {"bytes", bytes.bytes().size()}, {"xxh3_128", hash128_hex(bytes.bytes())}}},
      {"license", {{"weights", "Apache-2.0"}, {"data", "public domain in the United States"}}},
      {"training",
       {{"steps", shop.trainer.steps_done()},
        {"decay_steps", shop.trainer.decay().steps},
        {"tokens_seen", shop.trainer.tokens_seen()}}},
      {"validation",
       {{"books", shop.recipe.held_out},
        {"tokens", loss.tokens},
        {"window", shop.recipe.seq_len},
        {"nats_per_token", loss.nats_per_token},
        {"bits_per_byte", loss.bits_per_byte}}},
      {"recipe", recipe_json(shop.recipe)},
      {"data", std::move(books)}};
}

std::string training_step(const Workshop& shop) {
  Hash128 books;
  for (const Book& book : shop.books) books.update(std::as_bytes(std::span(book.hash)));
  return fmt::format("train {}: {} steps, {} tokens, books {}", shop.recipe.name, shop.trainer.steps_done(),
                     shop.trainer.tokens_seen(), books.hex());
}

}  // namespace adder
