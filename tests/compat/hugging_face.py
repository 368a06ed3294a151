"""What adder writes, opened by Hugging Face: directories by `transformers`, tokenizers by `tokenizers`.

    hugging_face.py ADDER TOKENIZER_TOOL SEEDLING        needs: numpy, tokenizers, transformers (without torch)

A directory that adder wrote must load with AutoConfig and AutoTokenizer and mean the same there; the config.json that
transformers saves from it (another dialect: a list of words, Infinity spelled out) must give adder the same model back.
The built-in model's tokenizer must agree on prose and on random Unicode (control tokens spelled in the text
count as such there, so adder is asked to do the same). Where the environment variable ADDER_DATA names
a folder with tokenizer/*.gguf and their vectors (.inp, .out), Hugging Face reads each as adder writes it and must find
the ids of the vectors too.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import Tokenizer
from transformers import AutoConfig, AutoTokenizer

from adder_program import Adder
from tokenizer import adder_ids, code_points, hf_ids, random_string
from verdicts import Verdicts

WORDS = {"M": ("mamba", "linear_attention"), "*": ("attention", "full_attention"), "-": ("mlp",)}
SEPARATOR = "\n__ggml_vocab_test__\n"


def random_strings(n):
    """Without code points that only one of the two engines' Unicode tables may know."""
    rng = random.Random(2)
    pool = [c for c in code_points() if unicodedata.category(chr(c)) != "Cn"]
    return [random_string(rng, pool) for _ in range(n)]


def judge_directory(judge, adder, folder, strings):
    written, again = folder / "written", folder / "again"
    adder("synth", "--preset", "tiny", "--type", "f32", "--hf", written)
    ours, theirs = json.loads((written / "config.json").read_text()), AutoConfig.from_pretrained(written)
    differing = [key for key, value in ours.items()
                 if key not in ("hybrid_override_pattern", "torch_dtype") and getattr(theirs, key, None) != value]
    judge.expect("transformers: config class", type(theirs).__name__ == "NemotronHConfig")
    judge.expect("transformers: config fields", not differing, f" {differing or ''}")
    pattern = ours["hybrid_override_pattern"]
    judge.expect("transformers: layer kinds", len(theirs.layers_block_type) == len(pattern) and all(
        word in WORDS[letter] for word, letter in zip(theirs.layers_block_type, pattern)))
    theirs.save_pretrained(folder / "saved")
    adder("synth", "--config", folder / "saved/config.json", "--type", "f32", "--hf", again)
    judge.expect("transformers: its config.json read back", all(
        (written / name).read_bytes() == (again / name).read_bytes() for name in ("config.json", "model.safetensors")))

    tokenizer = AutoTokenizer.from_pretrained(written)
    expected = [json.dumps(ids, separators=(",", ":")) for ids in tokenizer(strings)["input_ids"]]
    judge.expect("transformers: tokenizer, BOS included", adder_ids(
        adder.program, written, strings, "--parse-special") == expected, f" ({len(strings)} strings)")
    generation = json.loads((written / "generation_config.json").read_text())
    judge.expect("transformers: BOS, EOS, padding", tokenizer.bos_token_id == generation["bos_token_id"] and
                 tokenizer.eos_token_id in generation["eos_token_id"] and
                 tokenizer.pad_token_id == generation["pad_token_id"])
    texts = [tokenizer.decode(json.loads(ids)) for ids in expected]
    judge.expect("transformers: decoded again", texts == ["<s>" + text for text in strings])


def written_tokenizer(tool, gguf):
    return Tokenizer.from_str(subprocess.run([tool, gguf], capture_output=True, text=True, check=True).stdout)


def judge_seedling(judge, adder, tool, seedling, strings):
    texts = [adder.prose(seedling, 2000), *strings]
    expected = hf_ids(written_tokenizer(tool, seedling), texts)
    ours = adder_ids(adder.program, seedling, texts, "--parse-special", "--no-bos")
    judge.expect("the built-in model's tokenizer", ours == expected, f" ({len(texts)} strings)")


def judge_vectors(judge, tool, folder):
    for gguf in sorted(folder.glob("*.gguf")):
        texts = pathlib.Path(f"{gguf}.inp").read_bytes().decode().split(SEPARATOR)
        lines = pathlib.Path(f"{gguf}.out").read_text().split("\n")
        wanted = [json.dumps([int(id) for id in line.split()], separators=(",", ":")) for line in lines[: len(texts)]]
        ids = hf_ids(written_tokenizer(tool, gguf), texts)
        differing = sum(a != b for a, b in zip(ids, wanted, strict=True))
        judge.expect(f"vectors of {gguf.name}", not differing, f" ({len(texts)} strings, {differing} differ)")


def main():
    adder, tool, seedling = Adder(sys.argv[1]), sys.argv[2], sys.argv[3]
    judge, strings = Verdicts(), random_strings(3000)
    with tempfile.TemporaryDirectory() as folder:
        judge_directory(judge, adder, pathlib.Path(folder), strings)
    judge_seedling(judge, adder, tool, seedling, strings)
    if data := os.environ.get("ADDER_DATA"):
        judge_vectors(judge, tool, pathlib.Path(data) / "tokenizer")
    else:
        print("skipped vectors: ADDER_DATA is not set")
    sys.exit(judge.failed > 0)


if __name__ == "__main__":
    main()
