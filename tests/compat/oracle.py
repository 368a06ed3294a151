"""The judge of judges: a nemotron_h GGUF evaluated in float64, straight from the equations.

Weights come through gguf-py's own dequantiser, so nothing here is shared with adder. Layer by layer: projections of all
positions at once, the state-space recurrence token by token (no chunks, no scan), attention with one plain softmax.
"""

import numpy as np
from gguf import GGUFReader, GGUFValueType
from gguf.quants import dequantize

ATTENTION_ROWS = 256  # queries at a time; their scores are [heads, 256, T]


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
        self.layers = int(get("block_count"))
        self.ff = _per_layer(get("feed_forward_length"), self.layers)
        self.kv = _per_layer(get("attention.head_count_kv"), self.layers)
        heads = get("attention.head_count")
        self.heads = max(heads) if isinstance(heads, list) else heads
        self.head_dim = get("attention.key_length")
        self.eps = get("attention.layer_norm_rms_epsilon")
        self.state, self.groups = get("ssm.state_size"), get("ssm.group_count")
        self.d_inner, self.mamba_heads = get("ssm.inner_size"), get("ssm.time_step_rank")
        self.w = {t.name: dequantize(t.data, t.tensor_type).astype(np.float64).reshape([*map(int, reversed(t.shape))])
                  for t in reader.tensors}

    def _rms(self, x):
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.eps)

    def _norm(self, x, name):
        return self._rms(x) * self.w[name].reshape(-1)

    def _mamba(self, u, i):
        w = lambda name: self.w[f"blk.{i}.{name}"]
        T, P, N, G, Hm = len(u), self.d_inner // self.mamba_heads, self.state, self.groups, self.mamba_heads
        projected = u @ w("ssm_in.weight").T
        z, xbc, dt = np.split(projected, [self.d_inner, projected.shape[1] - Hm], axis=1)
        taps = w("ssm_conv1d.weight")  # [channels, K]; the last one weighs the present
        padded = np.vstack([np.zeros((taps.shape[1] - 1, xbc.shape[1])), xbc])
        xbc = _silu(sum(padded[k : k + T] * taps[:, k] for k in range(taps.shape[1])) + w("ssm_conv1d.bias"))
        x, b, c = np.split(xbc, [self.d_inner, self.d_inner + G * N], axis=1)
        x, b, c = x.reshape(T, Hm, P), b.reshape(T, G, N).repeat(Hm // G, 1), c.reshape(T, G, N).repeat(Hm // G, 1)
        dt = np.logaddexp(0.0, dt + w("ssm_dt.bias"))
        decay = np.exp(dt * w("ssm_a").reshape(-1))
        s, y = np.zeros((Hm, P, N)), np.empty((T, Hm, P))
        for t in range(T):
            s *= decay[t, :, None, None]
            s += (dt[t, :, None] * x[t])[:, :, None] * b[t, :, None, :]
            y[t] = np.matmul(s, c[t, :, :, None])[:, :, 0]
        y += w("ssm_d").reshape(-1)[:, None] * x
        gated = (y.reshape(T, -1) * _silu(z)).reshape(T, G, -1)
        return self._rms(gated).reshape(T, -1) * w("ssm_norm.weight").reshape(-1) @ w("ssm_out.weight").T

    def _attention(self, u, i):
        w = lambda name: self.w[f"blk.{i}.{name}"]
        T, D, kv_heads = len(u), self.head_dim, self.kv[i]
        by_head = lambda name, heads: (u @ w(name).T).reshape(T, heads, D).transpose(1, 0, 2)
        q = by_head("attn_q.weight", self.heads)
        share = self.heads // kv_heads
        k, v = (by_head(name, kv_heads).repeat(share, 0) for name in ("attn_k.weight", "attn_v.weight"))
        out = np.empty((T, self.heads, D))
        for begin in range(0, T, ATTENTION_ROWS):
            end = min(T, begin + ATTENTION_ROWS)
            scores = q[:, begin:end] @ k[:, :end].transpose(0, 2, 1) / np.sqrt(D)
            scores[:, np.arange(end)[None, :] > np.arange(begin, end)[:, None]] = -np.inf
            p = np.exp(scores - scores.max(-1, keepdims=True))
            out[begin:end] = (p / p.sum(-1, keepdims=True) @ v[:, :end]).transpose(1, 0, 2)
        return out.reshape(T, -1) @ w("attn_output.weight").T

    def _mlp(self, u, i):
        return np.maximum(u @ self.w[f"blk.{i}.ffn_up.weight"].T, 0.0) ** 2 @ self.w[f"blk.{i}.ffn_down.weight"].T

    def logits(self, tokens):
        """float64 [len(tokens), n_vocab] of a fresh sequence."""
        h = self.w["token_embd.weight"][tokens]
        for i in range(self.layers):
            mixer = self._mlp if self.ff[i] else self._attention if self.kv[i] else self._mamba
            h = h + mixer(self._norm(h, f"blk.{i}.attn_norm.weight"), i)
        return self._norm(h, "output_norm.weight") @ self.w.get("output.weight", self.w["token_embd.weight"]).T
