"""The judge of judges: a nemotron_h GGUF evaluated in float64, token by token, straight from the recurrence.

Weights come through gguf-py's own dequantiser, so nothing here is shared with adder. Slow on purpose: one token at a
time, no chunks, no caches but the state the mathematics needs.
"""

import numpy as np
from gguf import GGUFReader, GGUFValueType
from gguf.quants import dequantize


def _field(reader, key):
    field = reader.fields[key]
    values = [field.parts[i].tolist() for i in field.data]
    values = [v[0] if isinstance(v, list) and len(v) == 1 else v for v in values]
    return values if field.types[0] == GGUFValueType.ARRAY else values[0]


def _per_layer(value, layers):
    return value if isinstance(value, list) else [value] * layers


def _silu(a):
    return a / (1.0 + np.exp(-a))


class Oracle:
    def __init__(self, path):
        reader = GGUFReader(path)
        get = lambda key: _field(reader, "nemotron_h." + key)
        layers = int(get("block_count"))
        self.ff = _per_layer(get("feed_forward_length"), layers)
        self.kv = _per_layer(get("attention.head_count_kv"), layers)
        heads = get("attention.head_count")
        self.heads = max(heads) if isinstance(heads, list) else heads
        self.head_dim = get("attention.key_length")
        self.eps = get("attention.layer_norm_rms_epsilon")
        self.state, self.groups = get("ssm.state_size"), get("ssm.group_count")
        self.d_inner, self.mamba_heads = get("ssm.inner_size"), get("ssm.time_step_rank")
        self.conv = get("ssm.conv_kernel")
        self.layers = layers
        self.w = {t.name: dequantize(t.data, t.tensor_type).astype(np.float64) for t in reader.tensors}
        self.shapes = {t.name: [int(n) for n in reversed(t.shape)] for t in reader.tensors}
        self.w = {name: w.reshape(self.shapes[name]) for name, w in self.w.items()}

    def _norm(self, x, name):
        return x / np.sqrt(np.mean(x * x) + self.eps) * self.w[name].reshape(-1)

    def _mamba(self, u, i, memory):
        blk = f"blk.{i}."
        P, N, G, Hm = self.d_inner // self.mamba_heads, self.state, self.groups, self.mamba_heads
        window, s = memory
        p = self.w[blk + "ssm_in.weight"] @ u
        z, xbc, dt = np.split(p, [self.d_inner, p.size - Hm])
        window = np.vstack([window, xbc])
        xbc = _silu((window * self.w[blk + "ssm_conv1d.weight"].T).sum(0) + self.w[blk + "ssm_conv1d.bias"])
        x, b, c = np.split(xbc, [self.d_inner, self.d_inner + G * N])
        x, b, c = x.reshape(Hm, P), b.reshape(G, N).repeat(Hm // G, 0), c.reshape(G, N).repeat(Hm // G, 0)
        dt = np.logaddexp(0.0, dt + self.w[blk + "ssm_dt.bias"])
        decay = np.exp(dt * self.w[blk + "ssm_a"].reshape(-1))
        s = decay[:, None, None] * s + (dt[:, None] * x)[:, :, None] * b[:, None, :]
        y = np.einsum("hpn,hn->hp", s, c) + self.w[blk + "ssm_d"].reshape(-1)[:, None] * x
        y = (y.reshape(-1) * _silu(z)).reshape(G, -1)
        y = y / np.sqrt(np.mean(y * y, axis=1, keepdims=True) + self.eps)
        y = y.reshape(-1) * self.w[blk + "ssm_norm.weight"].reshape(-1)
        return self.w[blk + "ssm_out.weight"] @ y, (window[1:], s)

    def _attention(self, u, i, memory):
        blk = f"blk.{i}."
        keys, values = memory
        q = (self.w[blk + "attn_q.weight"] @ u).reshape(self.heads, self.head_dim)
        keys.append((self.w[blk + "attn_k.weight"] @ u).reshape(self.kv[i], self.head_dim))
        values.append((self.w[blk + "attn_v.weight"] @ u).reshape(self.kv[i], self.head_dim))
        share = self.heads // self.kv[i]
        k, v = np.stack(keys, 1), np.stack(values, 1)  # [kv, T, D]
        scores = np.einsum("ksd,ktd->kst", q.reshape(self.kv[i], share, -1), k) / np.sqrt(self.head_dim)
        p = np.exp(scores - scores.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        out = np.einsum("kst,ktd->ksd", p, v).reshape(-1)
        return self.w[blk + "attn_output.weight"] @ out, memory

    def _mlp(self, u, i, memory):
        blk = f"blk.{i}."
        return self.w[blk + "ffn_down.weight"] @ np.maximum(self.w[blk + "ffn_up.weight"] @ u, 0.0) ** 2, memory

    def logits(self, tokens):
        """float64 [len(tokens), n_vocab] of a fresh sequence."""
        P = self.d_inner // self.mamba_heads
        conv_dim = self.d_inner + 2 * self.groups * self.state
        memory, mixers = [], []
        for i in range(self.layers):
            if self.ff[i]:
                mixers.append(self._mlp)
                memory.append(None)
            elif self.kv[i]:
                mixers.append(self._attention)
                memory.append(([], []))
            else:
                mixers.append(self._mamba)
                memory.append((np.zeros((self.conv - 1, conv_dim)), np.zeros((self.mamba_heads, P, self.state))))
        head = self.w.get("output.weight", self.w["token_embd.weight"])
        out = np.empty((len(tokens), head.shape[0]))
        for t, token in enumerate(tokens):
            h = self.w["token_embd.weight"][token].copy()
            for i, mixer in enumerate(mixers):
                y, memory[i] = mixer(self._norm(h, f"blk.{i}.attn_norm.weight"), i, memory[i])
                h += y
            out[t] = head @ self._norm(h, "output_norm.weight")
        return out
