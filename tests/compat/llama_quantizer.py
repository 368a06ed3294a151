"""llama.cpp's quantiser through its C interface, with an importance matrix or without."""

import ctypes
import os
import struct

import numpy as np
from gguf import GGUFReader

from llama_peer import Llama, _Blob

_IMATRIX_OFFSET = 24  # of the pointer in llama_model_quantize_params


class _Importance(ctypes.Structure):
    """llama_model_imatrix_data: a list of them ends with a null name."""
    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.POINTER(ctypes.c_float)), ("size", ctypes.c_size_t)]


def read_imatrix(path):
    """Mean square of every column, per matrix, from a GGUF imatrix."""
    tensors = {t.name: np.array(t.data, np.float32) for t in GGUFReader(path).tensors}
    return {name.removesuffix(".in_sum2"): np.ascontiguousarray((sums / tensors[name.replace(".in_sum2", ".counts")])
                                                                .ravel())
            for name, sums in tensors.items() if name.endswith(".in_sum2")}


def llama_quantize(directory, source, target, file_type, importance=None):
    """Writes `target`. `importance`: name -> float32 vector."""
    library = Llama._load_library(directory)
    library.llama_model_quantize_default_params.restype = _Blob
    library.llama_model_quantize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p]
    library.llama_model_quantize.restype = ctypes.c_uint32
    params = library.llama_model_quantize_default_params()
    params.set(0, 2)  # nthread
    params.set(4, file_type)
    if importance:
        entries = (_Importance * (len(importance) + 1))()
        for entry, (name, values) in zip(entries, importance.items()):
            entry.name = name.encode()
            entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            entry.size = values.size
        struct.pack_into("<Q", params.bytes, _IMATRIX_OFFSET, ctypes.addressof(entries))
    if library.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(params)) != 0:
        raise RuntimeError("llama.cpp refused: " + b"".join(Llama._messages).decode(errors="replace"))


class _LoadedImatrix(ctypes.Structure):
    """Room for the C++ object that common_imatrix_load fills: a std::map comes first, the rest starts out as zeros."""
    _fields_ = [("bytes", ctypes.c_uint64 * 64)]


def llama_reads_imatrix(directory, path):
    """How many matrices llama.cpp's own reader finds in the file; None if it refuses."""
    Llama._load_library(directory)
    common = ctypes.CDLL(os.path.join(directory, "libllama-common.so"))
    load = getattr(common, "_Z19common_imatrix_loadRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEER14common_imatrix")
    load.restype = ctypes.c_bool
    loaded = _LoadedImatrix()
    header = ctypes.addressof(loaded) + 8  # an empty tree's leftmost and rightmost node are its header
    loaded.bytes[3] = loaded.bytes[4] = header
    text = os.fsencode(path)
    buffer = ctypes.create_string_buffer(text)
    string = (ctypes.c_uint64 * 4)(ctypes.addressof(buffer), len(text), len(text), 0)
    return loaded.bytes[5] if load(ctypes.byref(string), ctypes.byref(loaded)) else None
