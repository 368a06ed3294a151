"""The program under judgement, as a Python object, and what is computed from logits."""

import json
import subprocess
import tempfile

import numpy as np


class Adder:
    def __init__(self, program):
        self.program = program

    def __call__(self, *arguments, text=""):
        """Standard output of one command. Ends the judge with adder's own words if it fails."""
        ran = subprocess.run([self.program, *map(str, arguments)], input=text, capture_output=True, text=True)
        if ran.returncode != 0:
            raise SystemExit(f"adder {' '.join(map(str, arguments))[:200]}: {ran.stderr.strip()}")
        return ran.stdout

    def json(self, *arguments, text=""):
        return json.loads(self(*arguments, "--json", text=text))

    def logits(self, model, tokens, kv_type="f32"):
        """float32 [len(tokens), vocabulary] of a fresh sequence."""
        with tempfile.NamedTemporaryFile(suffix=".f32") as out:
            shape = self.json("logits", model, "--tokens", ",".join(map(str, tokens)), "--out", out.name, "--kv-type",
                              kv_type, "--context", len(tokens))["shape"]
            return np.fromfile(out.name, np.float32).reshape(shape)

    def tokenize(self, model, text):
        return self.json("tokenize", model, text=text)["ids"]

    def prose(self, model, n_tokens):
        """Text in the model's own words, always the same: `n_tokens` that it drew itself."""
        return self.json("run", model, "-p", "Once upon a time", "-n", n_tokens, "--context", n_tokens + 64, "--seed",
                         1, "--ignore-eos")["text"]


def log_softmax(logits):
    x = logits.astype(np.float64)
    x -= x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def kl(p_logits, q_logits):
    """KL(P || Q) of each row."""
    p, q = log_softmax(p_logits), log_softmax(q_logits)
    return (np.exp(p) * (p - q)).sum(-1)
