"""adder's tokenizer against Hugging Face tokenizers: the same ids for random text over all of Unicode, rule by rule.

    tokenizer.py ADDER TOKENIZER_TOOL [STRINGS]        needs: tokenizers, gguf, safetensors, numpy

The vocabulary has every pair of bytes as a token, merged in random order: neighbours merge wherever no boundary of the
pre-tokenizer stops them, so a boundary in the wrong place gives other ids. Three ways lead to adder's ids: a
tokenizer.json with the expressions as published, a GGUF file with the rule's name, and a tokenizer.json that adder
wrote from that GGUF file, which Hugging Face must read and agree with as well.

The two engines carry Unicode tables of different age, and characters assigned between the two can only differ. So every
code point is tried first against an expression that tells all the categories apart which any rule asks for: those that
differ are counted and must be unassigned in the older table, which Python 3.11 shares with PCRE2 10.42. Random text is
made of assigned ones and must agree without exception.
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

import numpy as np
from gguf import GGUFWriter
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

SYMBOLS_AND_SPACE = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + SYMBOLS_AND_SPACE
QWEN2 = LLAMA3.replace("{1,3}", "")
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
          r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
          r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CJK = "[一-龥ࠀ-一가-퟿]+"

# Name in GGUF, and the expressions as published. deepseek-llm's long list of letters is taken from adder's own writer.
RULES = {
    "gpt-2": [GPT2],
    "llama-bpe": [LLAMA3],
    "qwen2": [QWEN2],
    "tekken": [TEKKEN],
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, r"\p{N}"],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, r"[0-9][0-9][0-9]"],
    "deepseek-llm": None,
}
# GGUF's pixtral is the Llama 3 rule, and mpt is gpt-2: the same expressions under another name.

CATEGORIES = r"\p{Lu}+|\p{Lt}+|\p{Ll}+|\p{Lm}+|\p{Lo}+|\p{M}+|\p{N}+|\p{P}+|\s+|[^\s\p{L}\p{M}\p{N}\p{P}]+"
# The code point beside two of each category: a boundary that one engine does not see shows in the ids half of the time.
CONTEXT = "{0}".join("AB ab ǅǈ ʰʱ ªº \u0301\u0302 12 !; \t\v $+")
SPACES = [chr(c) for c in (9, 10, 11, 12, 13, 32, 0x85, 0xa0, 0x1680, *range(0x2000, 0x200b), 0x2028, 0x2029, 0x202f,
                           0x205f, 0x3000)] + ["\u180e", "\u200b", "\ufeff", "\r\n", "  ", "\n\n", "    "]
WORDS = ["the", "Hello", "I'm", "WE'RE", "don't", "'ll", "'S", "fooBar", "HTTPServer", "x", "\u0130I", "ſ", "'ſ", "ǅ",
         "été", "Straße", "Ωmega", "ДОМ", "дом", "שלום", "مرحبا", "हिन्दी", "ไทย", "日本語", "한국어", "ﬃ", "ʔa", "ªº"]
SYMBOLS = ["!", "...", "--", "/", "//\n", "</s>", "$5", "€", "“”", "，。", "👩‍👩‍👧", "🇩🇪", "👍🏽", "❤️", "\\", "'", "''", "_", "`"]
DIGITS = ["0", "42", "123", "1234567", "٣٤٥", "१२३", "½", "²", "Ⅷ", "①", "𝟘𝟙", "一二"]
MARKS = ["\u0301", "\u0308\u0323", "\u20dd", "\ufe0f", "\u093e", "\u0e31", "\u200d"]


def letters():
    """GPT-2's printable alphabet, byte by byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(b if b in plain else next(others)) for b in range(256)]


def vocabulary(rng):
    alphabet = letters()
    pairs = [(a, b) for a in alphabet for b in alphabet]
    rng.shuffle(pairs)
    return alphabet + [a + b for a, b in pairs], pairs


def published_tokenizer(expressions, tokens, merges):
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    steps = [pre_tokenizers.Split(Regex(e), "isolated") for e in expressions]
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps + [byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def write_gguf(path, rule, tokens, merges):
    writer = GGUFWriter(path, "nemotron_h")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(rule)
    writer.add_token_list(tokens)
    writer.add_token_types([1] * len(tokens))
    writer.add_token_merges([" ".join(m) for m in merges])
    writer.add_add_bos_token(False)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def write_directory(path, tokenizer_json):
    path.mkdir()
    (path / "config.json").write_text('{"model_type": "nemotron_h"}')
    (path / "tokenizer.json").write_text(tokenizer_json)
    save_file({"none": np.zeros(1, np.float32)}, path / "model.safetensors")


def adder_ids(adder, model, strings, *options):
    """A JSON array for each string, as text: Python's own integers would take gigabytes."""
    lines = "".join(json.dumps(s) + "\n" for s in strings)
    run = subprocess.run([adder, "tokenize", model, "--jsonl", *options], input=lines, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"adder tokenize {model}: {run.stderr.strip()}")
    return run.stdout.splitlines()


def hf_ids(tokenizer, strings):
    batches = (strings[i:i + 2048] for i in range(0, len(strings), 2048))
    return [json.dumps(encoding.ids, separators=(",", ":"))
            for batch in batches for encoding in tokenizer.encode_batch(batch, add_special_tokens=False)]


def code_points():
    """All that are assigned, and samples of the rest."""
    rest = [*range(0x32400, 0xe0000, 997), *range(0xe1000, 0x110000, 1999)]
    return [c for c in [*range(0x32400), *range(0xe0000, 0xe0200), *rest] if not 0xd800 <= c < 0xe000]


def random_string(rng, pool):
    kinds = [lambda: rng.choice(SPACES), lambda: rng.choice(WORDS), lambda: rng.choice(SYMBOLS),
             lambda: rng.choice(DIGITS), lambda: rng.choice(MARKS), lambda: chr(rng.randrange(32, 127)),
             lambda: chr(rng.choice(pool)), lambda: chr(rng.choice(pool)), lambda: " " * rng.randrange(1, 9)]
    return "".join(rng.choice(kinds)() for _ in range(rng.randrange(1, 40)))


def common_code_points(adder, folder):
    """Assigned ones of one category for both engines, and whether those that differ are all unassigned."""
    tokens, merges = vocabulary(random.Random(0))
    hf = published_tokenizer([CATEGORIES], tokens, merges)
    write_directory(folder / "categories", hf.to_str())
    points = code_points()
    texts = [CONTEXT.format(chr(p)) for p in points]
    pairs = zip(points, adder_ids(adder, folder / "categories", texts), hf_ids(hf, texts))
    differing = {p for p, ours, theirs in pairs if ours != theirs}
    assigned = [p for p in differing if unicodedata.category(chr(p)) != "Cn"]
    print(f"{len(points)} code points: {len(differing)} differ, {len(assigned)} of these assigned in Unicode "
          f"{unicodedata.unidata_version}", flush=True)
    for p in assigned[:10]:
        print(f"    U+{p:04X} {unicodedata.name(chr(p), '?')}")
    return [p for p in points if p not in differing and unicodedata.category(chr(p)) != "Cn"], not assigned


def judge(rule, expressions, adder, tool, strings, folder):
    tokens, merges = vocabulary(random.Random(rule))
    gguf = folder / f"{rule}.gguf"
    write_gguf(gguf, rule, tokens, merges)
    written = subprocess.run([tool, gguf], capture_output=True, text=True, check=True).stdout
    write_directory(folder / f"{rule}-written", written)
    # GGUF names write contractions letter by letter; as published, case folding lets U+017F stand for s.
    plain = [s for s in strings if "ſ" not in s]
    expected = hf_ids(Tokenizer.from_str(written), plain)
    pairs = [(adder_ids(adder, source, plain), expected) for source in (gguf, folder / f"{rule}-written")]
    if expressions:
        published = published_tokenizer(expressions, tokens, merges)
        write_directory(folder / f"{rule}-published", published.to_str())
        pairs += [(adder_ids(adder, folder / f"{rule}-published", strings), hf_ids(published, strings)),
                  (expected, hf_ids(published, plain))]
    different = [sum(a != b for a, b in zip(ours, theirs, strict=True)) for ours, theirs in pairs]
    print(f"{rule:16} {len(strings):8} {str(different):>16}", flush=True)
    return not any(different)


def main():
    adder, tool = sys.argv[1:3]
    n_strings = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pool, agreed = common_code_points(adder, folder)
        rng = random.Random(1)
        strings = [random_string(rng, pool) for _ in range(n_strings)]
        print(f"{'rule':16} {'strings':>8} {'different ids':>16}: GGUF, as written, as published, written to published")
        for rule, expressions in RULES.items():
            agreed &= judge(rule, expressions, adder, tool, strings, folder)
    sys.exit(not agreed)


if __name__ == "__main__":
    main()
