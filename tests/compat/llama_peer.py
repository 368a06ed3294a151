"""llama.cpp as a judge: the prebuilt libraries of the npm package node-llama-cpp, called through ctypes.

Only functions whose signatures have been stable are used. The parameter structs grow from release to release, so they
are handled as blobs: the library fills in its defaults, and the few fields set here are found by their default values.

llama.cpp aborts on shapes it did not expect, so `peer_logits` asks it in a process of its own.
"""

import argparse
import ctypes
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np

_BLOB_BYTES = 1024  # larger than any release's struct; extra bytes of a by-value argument are never read


class _Blob(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint8 * _BLOB_BYTES)]

    def get(self, offset):
        return struct.unpack_from("<i", self.bytes, offset)[0]

    def set(self, offset, value):
        struct.pack_into("<i", self.bytes, offset, value)


class _Batch(ctypes.Structure):
    _fields_ = [
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.POINTER(ctypes.c_int32)),
        ("embd", ctypes.c_void_p),
        ("pos", ctypes.POINTER(ctypes.c_int32)),
        ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    ]


def _find(directory, prefix):
    names = sorted(n for n in os.listdir(directory) if n.startswith(prefix) and n.endswith(".so"))
    if not names:
        raise FileNotFoundError(f"{directory}: no {prefix}*.so; install the npm package node-llama-cpp first")
    return os.path.join(directory, names[0])


class Llama:
    """One model in llama.cpp on the CPU; `logits` evaluates a fresh sequence."""

    _library = None

    @classmethod
    def _load_library(cls, directory):
        if cls._library is not None:
            return cls._library
        ctypes.CDLL(os.path.join(directory, "libggml-base.so"), mode=ctypes.RTLD_GLOBAL)
        ggml = ctypes.CDLL(_find(directory, "libggml.v"), mode=ctypes.RTLD_GLOBAL)
        lib = ctypes.CDLL(_find(directory, "libllama.v"), mode=ctypes.RTLD_GLOBAL)
        callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        cls._log = callback(lambda level, text, user: cls._messages.append(text) if level >= 3 else None)
        cls._messages = []
        lib.llama_log_set(cls._log, None)
        ggml.ggml_backend_load_all_from_path(directory.encode())
        lib.llama_model_default_params.restype = _Blob
        lib.llama_context_default_params.restype = _Blob
        lib.llama_model_load_from_file.restype = ctypes.c_void_p
        lib.llama_model_load_from_file.argtypes = [ctypes.c_char_p, _Blob]
        lib.llama_init_from_model.restype = ctypes.c_void_p
        lib.llama_init_from_model.argtypes = [ctypes.c_void_p, _Blob]
        lib.llama_model_get_vocab.restype = ctypes.c_void_p
        lib.llama_model_get_vocab.argtypes = [ctypes.c_void_p]
        lib.llama_vocab_n_tokens.argtypes = [ctypes.c_void_p]
        lib.llama_batch_init.restype = _Batch
        lib.llama_decode.argtypes = [ctypes.c_void_p, _Batch]
        lib.llama_get_logits_ith.restype = ctypes.POINTER(ctypes.c_float)
        lib.llama_get_logits_ith.argtypes = [ctypes.c_void_p, ctypes.c_int32]
        lib.llama_free.argtypes = [ctypes.c_void_p]
        lib.llama_model_free.argtypes = [ctypes.c_void_p]
        cls._library = lib
        return lib

    def __init__(self, directory, path, n_ctx=4096, threads=2, kv_f32=False):
        lib = self._load_library(directory)
        self._messages.clear()
        self._model = lib.llama_model_load_from_file(os.fsencode(path), lib.llama_model_default_params())
        if not self._model:
            raise RuntimeError(f"llama.cpp cannot load {path}: {b''.join(self._messages).decode(errors='replace')}")
        params = lib.llama_context_default_params()
        if [params.get(0), params.get(4), params.get(8), params.get(12)] != [512, 2048, 512, 1]:
            raise RuntimeError("llama_context_params has changed: n_ctx, n_batch, n_ubatch, n_seq_max not where expected")
        params.set(0, n_ctx)
        self._set_pair(params, 4, threads, "n_threads")
        if kv_f32:
            self._set_pair(params, 1, 0, "type_k", first=100)  # GGML_TYPE_F16 -> F32
        self._context = lib.llama_init_from_model(self._model, params)
        if not self._context:
            raise RuntimeError(f"llama.cpp: no context for {path}: {b''.join(self._messages).decode(errors='replace')}")
        self.n_vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self._model))

    @staticmethod
    def _set_pair(params, default, value, what, first=16):
        for offset in range(first, 200, 4):
            if params.get(offset) == default and params.get(offset + 4) == default:
                params.set(offset, value)
                params.set(offset + 4, value)
                return
        raise RuntimeError(f"llama_context_params has changed: {what} not found")

    def logits(self, tokens, batch=512):
        """float32 [len(tokens), n_vocab] for one sequence from position 0; call once per object."""
        lib = self._library
        out = np.empty((len(tokens), self.n_vocab), np.float32)
        b = lib.llama_batch_init(batch, 0, 1)
        for begin in range(0, len(tokens), batch):
            part = tokens[begin : begin + batch]
            b.n_tokens = len(part)
            for i, token in enumerate(part):
                b.token[i] = token
                b.pos[i] = begin + i
                b.n_seq_id[i] = 1
                b.seq_id[i][0] = 0
                b.logits[i] = 1
            status = lib.llama_decode(self._context, b)
            if status != 0:
                raise RuntimeError(f"llama_decode failed with {status}")
            for i in range(len(part)):
                out[begin + i] = np.ctypeslib.as_array(lib.llama_get_logits_ith(self._context, i), (self.n_vocab,))
        lib.llama_batch_free(b)
        return out

    def close(self):
        self._library.llama_free(self._context)
        self._library.llama_model_free(self._model)


def peer_logits(directory, path, tokens, vocab):
    """float32 [len(tokens), vocab] with F32 keys and values, or the reason llama.cpp gave for not answering."""
    with tempfile.NamedTemporaryFile(suffix=".f32") as out:
        command = [sys.executable, __file__, directory, path, ",".join(map(str, tokens)), out.name]
        ran = subprocess.run(command, env=os.environ | {"GGML_NO_BACKTRACE": "1"}, capture_output=True, text=True)
        if ran.returncode != 0:
            lines = [line for line in ran.stderr.splitlines() if line.strip()]
            return lines[-1] if lines else f"llama.cpp ended with status {ran.returncode}"
        return np.fromfile(out.name, np.float32).reshape(len(tokens), vocab)


def main():
    parser = argparse.ArgumentParser(description="logits of a model in llama.cpp")
    parser.add_argument("directory")
    parser.add_argument("model")
    parser.add_argument("tokens")
    parser.add_argument("out")
    args = parser.parse_args()
    tokens = [int(token) for token in args.tokens.split(",")]
    llama = Llama(args.directory, args.model, n_ctx=len(tokens) + 64, kv_f32=True)
    llama.logits(tokens).tofile(args.out)
    llama.close()


if __name__ == "__main__":
    main()
