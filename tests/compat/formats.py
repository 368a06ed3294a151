"""Files that gguf-py and safetensors write go through adder's readers and writers, and are read back by the same two
libraries: everything must arrive as it was sent.

    formats.py FORMATS_TOOL        needs: numpy, gguf, safetensors
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from gguf.constants import GGML_QUANT_SIZES
from safetensors import safe_open
from safetensors.numpy import save_file

ADDER_TYPES = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
               "IQ4_NL", "IQ4_XS", "I8", "I16", "I32", "I64"]
SCALARS = {"UINT8": 200, "INT8": -100, "UINT16": 60000, "INT16": -30000, "UINT32": 4000000000, "INT32": -2000000000,
           "UINT64": 2**64 - 1, "INT64": -2**63, "FLOAT32": 0.1, "FLOAT64": 0.1, "BOOL": True, "STRING": "Grüße"}
RNG = np.random.default_rng(1)


def write_gguf(path, alignment):
    writer = GGUFWriter(path, "nemotron_h")
    if alignment:
        writer.add_custom_alignment(alignment)
    for name, value in SCALARS.items():
        writer.add_key_value("scalar." + name, value, GGUFValueType[name])
    writer.add_array("array.int", [1, -2, 3])
    writer.add_array("array.float", [0.25, 1e-5])
    writer.add_array("array.bool", [True, False])
    writer.add_array("array.text", ["", "Ġthe", "日本語"] * 1000)
    for name in ADDER_TYPES:
        kind = GGMLQuantizationType[name]
        block, size = GGML_QUANT_SIZES[kind]
        for rows in ([], [3], [2, 3], [2, 1, 3]):
            row_bytes = 2 * size if block > 1 else 7 * size
            data = RNG.integers(0, 256, rows + [row_bytes], dtype=np.uint8)
            writer.add_tensor(f"{name}.{len(rows) + 1}", data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def fields(reader):
    """key -> (types, contents) of what is in the file, not of what the reader adds."""
    return {key: (field.types, field.contents()) for key, field in reader.fields.items() if not key.startswith("GGUF.")}


def gguf_tensors(reader):
    return {t.name: (t.tensor_type.name, [int(d) for d in t.shape], t.data.tobytes()) for t in reader.tensors}


def read_safetensors(path):
    """Raw: the numpy binding knows no BF16, so the header is taken as JSON once safe_open has accepted the file."""
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    raw = pathlib.Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    assert (8 + size) % 8 == 0
    return metadata, {name: (t["dtype"], t["shape"], raw[8 + size:][slice(*t["data_offsets"])])
                      for name, t in header.items()}


def write_safetensors(path, metadata):
    """BF16 and F8 have no numpy type: written as integers of the same width, then renamed in the header."""
    tensors = {"f32": RNG.standard_normal((3, 5)).astype(np.float32), "scalar": np.array(2.5, np.float32),
               "empty": np.zeros((0, 4), np.float32), "i64": np.arange(6).reshape(1, 2, 3),
               "as_bf16": RNG.integers(0, 1000, (9728, 1, 4), dtype=np.int16),
               "as_f8": RNG.integers(-9, 9, (5, 3), dtype=np.int8)}
    save_file(tensors, path, metadata)
    raw = pathlib.Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    header["as_bf16"]["dtype"], header["as_f8"]["dtype"] = "BF16", "F8_E4M3"
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + size:])


class Judge:
    def __init__(self, tool):
        self.tool, self.failed = tool, 0

    def copy(self, source, target):
        subprocess.run([self.tool, source, target], check=True)

    def expect(self, what, ours, theirs):
        same = ours == theirs
        self.failed += not same
        print(f"{'same  ' if same else 'DIFFER'}  {what} ({len(theirs)})")


def judge_gguf(judge, folder):
    for alignment in (None, 8, 4096):
        write_gguf(folder / "in.gguf", alignment)
        judge.copy(folder / "in.gguf", folder / "out.gguf")
        theirs, ours = GGUFReader(folder / "in.gguf"), GGUFReader(folder / "out.gguf")
        judge.expect(f"GGUF metadata, alignment {alignment}", fields(ours), fields(theirs))
        judge.expect(f"GGUF tensors, alignment {alignment}", gguf_tensors(ours), gguf_tensors(theirs))


def judge_safetensors(judge, folder):
    for metadata in ({"format": "pt", "Grüße": "\"\\\n"}, None):
        write_safetensors(folder / "in.safetensors", metadata)
        judge.copy(folder / "in.safetensors", folder / "out.safetensors")
        theirs, ours = read_safetensors(folder / "in.safetensors"), read_safetensors(folder / "out.safetensors")
        judge.expect("safetensors metadata", ours[0] or {}, theirs[0] or {})
        judge.expect("safetensors tensors", ours[1], theirs[1])


def judge_orientation(judge, folder):
    """A [out, in] matrix of numpy is the same matrix in GGUF and in safetensors."""
    matrix = RNG.standard_normal((3, 5)).astype(np.float32)
    save_file({"m": matrix}, folder / "m.safetensors")
    judge.copy(folder / "m.safetensors", folder / "m.gguf")
    tensor = GGUFReader(folder / "m.gguf").tensors[0]
    judge.expect("safetensors to GGUF", tensor.data.tolist(), matrix.tolist())
    judge.copy(folder / "m.gguf", folder / "back.safetensors")
    judge.expect("GGUF to safetensors", read_safetensors(folder / "back.safetensors")[1]["m"],
                 ("F32", [3, 5], matrix.tobytes()))


def judge_directory(judge, folder):
    source = folder / "hf"
    source.mkdir()
    texts = {"config.json": {"model_type": "nemotron_h", "norm_eps": 1e-5, "limit": [0.0, 1e300], "big": 2**63},
             "tokenizer.json": {"model": {"vocab": {"Ġthe": 0, "\u0000": 1}}}, "generation_config.json": {"eos": [2, 11]}}
    for name, value in texts.items():
        (source / name).write_text(json.dumps(value))
    shards = {"model-00001-of-00002.safetensors": {"a": np.ones(3, np.float32), "b": np.zeros((2, 2), np.float16)},
              "model-00002-of-00002.safetensors": {"c": np.arange(4, dtype=np.int32)}}
    for name, tensors in shards.items():
        save_file(tensors, source / name)
    weight_map = {tensor: name for name, tensors in shards.items() for tensor in tensors}
    (source / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    judge.copy(source, folder / "copy")
    for name, value in texts.items():
        judge.expect(f"directory {name}", json.loads((folder / "copy" / name).read_text()), value)
    theirs = {}
    for name in shards:
        theirs.update(read_safetensors(source / name)[1])
    judge.expect("directory tensors", read_safetensors(folder / "copy" / "model.safetensors")[1], theirs)


def main():
    judge = Judge(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        for part in (judge_gguf, judge_safetensors, judge_orientation, judge_directory):
            part(judge, pathlib.Path(name))
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
