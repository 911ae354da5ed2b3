"""Gradients of the demo model at rank 64 -> 100 steps of bitsandbytes' 8-bit AdamW: parameters and packed moments after.

bitsandbytes runs its CUDA order only on CUDA. So a twin in numpy is first held to bitsandbytes' CPU optimizer in *its* order (it decays before the
update and leaves a lost sign), then asked for CUDA's: the update, then the decay, and a first moment's code that lost its sign one step back.
Without bitsandbytes (pip install --no-deps bitsandbytes) the twin is only asked, not held."""
import numpy as np
import torch
import lora, photos, unet
from store import Tensors, Text, json_text

RANK, SEED, STEPS, RECORDED = 64, 320, 100, 4
HELD = 40  # steps that the twin is held to bitsandbytes for
SETTINGS = dict(learning_rate=1e-3, weight_decay=0.1, beta1=0.9, beta2=0.999, epsilon=1e-8)
MODULE = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
# A and B, whole; the first rows of A alone: 4,512 values, whose last block is not whole, and 2,880, too few for 8 bits.
ROWS = {"down": (None, 47, 30), "up": (None,)}
BLOCK, LEAST = 256, 4096
f32 = np.float32


def dynamic_map(signed: bool) -> np.ndarray:
    """bitsandbytes' create_dynamic_map(signed), written from its description: seven decades, 0 and 1."""
    values = [0.0, 1.0]
    for decade in range(7):
        ends = torch.linspace(0.1, 1, 2 ** (decade if signed else decade + 1) + 1, dtype=torch.float32)
        middles = (10 ** (decade - 6)) * ((ends[:-1] + ends[1:]) / 2)
        values += middles.tolist() + ((-middles).tolist() if signed else [])
    return np.sort(np.array(values, f32))


MAPS = dynamic_map(True), dynamic_map(False)


class Moment:
    """A tensor's moment: f32, or codes with an absmax a block of 256."""

    def __init__(self, count: int, table: np.ndarray):
        self.count, self.table, self.packed = count, table, count >= LEAST
        blocks = -(-count // BLOCK)
        self.codes, self.absmax, self.values = np.zeros(count, np.uint8), np.zeros(blocks, f32), np.zeros(count, f32)

    def read(self) -> np.ndarray:
        return self.table[self.codes] * np.repeat(self.absmax, BLOCK)[: self.count] if self.packed else self.values

    def write(self, values: np.ndarray, keep_sign: bool):
        if not self.packed:
            self.values = values
            return
        padded = np.zeros(len(self.absmax) * BLOCK, f32)
        padded[: self.count] = values
        self.absmax = np.abs(padded.reshape(-1, BLOCK)).max(1)
        absmax = np.repeat(self.absmax, BLOCK)[: self.count]
        share = np.divide(values, absmax, out=np.zeros_like(values), where=absmax > 0)
        self.codes = np.searchsorted(((self.table[:-1] + self.table[1:]) * f32(0.5)), share, side="left").astype(np.uint8)
        if keep_sign:
            lost = np.signbit(self.table[self.codes]) != np.signbit(values)
            self.codes = np.where(lost, np.where(values > 0, self.codes + 1, self.codes - 1), self.codes).astype(np.uint8)


def run(start: np.ndarray, gradients: np.ndarray, cuda: bool):
    """-> parameters, first and second Moment after every gradient. Arithmetic in f32, in the order of the kernels (or of bitsandbytes' CPU code)."""
    s = SETTINGS
    p, m, v = start.astype(f32).ravel(), Moment(start.size, MAPS[0]), Moment(start.size, MAPS[1])
    b1, b2, lr, eps, decay = f32(s["beta1"]), f32(s["beta2"]), s["learning_rate"], s["epsilon"], s["weight_decay"]
    for t, g in enumerate(gradients, 1):
        g = g.astype(f32).ravel()
        c1, c2 = 1 - s["beta1"] ** t, np.sqrt(1 - s["beta2"] ** t)
        first = m.read() * b1 + f32(1 - s["beta1"]) * g
        second = v.read() * b2 + f32(1 - s["beta2"]) * g * g
        if not cuda:
            p = p * f32(1 - lr * decay)
        p = p - f32(lr * c2 / c1) * (first / (np.sqrt(second) + f32(c2 * eps)))
        if cuda:
            p = p * f32(1 - lr * decay)
        m.write(first, keep_sign=cuda)
        v.write(second, keep_sign=False)
    return p.reshape(start.shape), m, v


def recorded():
    """start, gradients (STEPS) of each tensor: RECORDED real ones of the demo model, each used again with noise of its own and another size."""
    net, inputs = unet.demo_unet(), photos.training_inputs(SEED, RECORDED)
    lora.add(net, RANK)
    net.double()
    start = lora.draw(net, np.random.default_rng(SEED + 1), RANK, 0.02)
    lora.load(net, start)
    keys = {f"unet.{MODULE}.lora.{side}.weight": rows for side, rows in ROWS.items()}
    real = {key: [] for key in keys}
    for i in range(RECORDED):
        grads = unet.expected(net, {k: v[i:i + 1] for k, v in inputs.items()})
        for key in keys:
            real[key].append(grads[f"grad.{key}"].float().numpy())
    return {f"{key}.{n or 'all'}": (start[key][:n], np.stack(real[key])[:, :n]) for key, rows in keys.items() for n in rows}


def sizes() -> np.ndarray:
    """Of each step's gradient: what makes the 100 out of the recorded ones, exactly in f32."""
    return (2.0 ** np.random.default_rng(SEED + 2).integers(-3, 3, STEPS)).astype(f32) * np.random.default_rng(SEED + 3).choice([-1, 1], STEPS).astype(f32)


def steps_of(real: np.ndarray) -> np.ndarray:
    return np.stack([real[t % RECORDED] * size for t, size in enumerate(sizes())])


def hold(key: str, start: np.ndarray, gradients: np.ndarray):
    """The twin in the CPU's order = bitsandbytes' CPU optimizer. A code may be one off where its share is a tie but for rounding."""
    import bitsandbytes
    from bitsandbytes.backends.cpu import ops

    def nearest(values, code, absmax, out, block):  # its f32 kernel rounds by a table of evenly spaced shares, CUDA's does not; asked in f64 it looks at all codes
        codes, largest = torch.ops.bitsandbytes.quantize_blockwise(values.double(), code, block)
        out.copy_(codes)
        absmax.copy_(largest)

    ops._quant_blockwise_fp32_direct = nearest
    s = SETTINGS
    p = torch.nn.Parameter(torch.from_numpy(start.astype(f32).copy()))
    optimizer = bitsandbytes.optim.AdamW8bit([p], lr=s["learning_rate"], betas=(s["beta1"], s["beta2"]), eps=s["epsilon"], weight_decay=s["weight_decay"])
    for g in gradients[:HELD]:
        p.grad = torch.from_numpy(g.astype(f32).copy())
        optimizer.step()
    got, m, v = run(start, gradients[:HELD], cuda=False)
    error = np.linalg.norm(got - p.detach().numpy()) / np.linalg.norm(p.detach().numpy() - start)
    state, equal = optimizer.state[p], []
    for ours, name in ((m, "state1"), (v, "state2")):
        theirs = state[name].numpy().ravel()
        if ours.packed:
            off = np.abs(ours.codes.astype(int) - theirs.astype(int))
            assert off.max() <= 1, (key, name, off.max())
            equal.append((off == 0).mean())
            assert equal[-1] >= 0.999, (key, name, equal)
        else:
            assert np.allclose(ours.values, theirs, rtol=1e-4, atol=1e-12), (key, name)
    assert error < 1e-3, (key, error)
    print(f"  {key}: {start.size} values, update {error:.1e} from bitsandbytes', codes equal {[f'{e:.5f}' for e in equal]}", flush=True)


def make():
    tensors, expected = {"sizes": sizes()}, {}
    try:
        import bitsandbytes
        held = bitsandbytes.__version__
    except ImportError:
        held = None
        print("  bitsandbytes is not here: the twin is not held to it")
    for key, (start, real) in recorded().items():
        gradients = steps_of(real)
        if held:
            hold(key, start, gradients)
        p, m, v = run(start, gradients, cuda=True)
        tensors |= {f"start.{key}": start, f"gradient.{key}": real}
        expected[f"after.{key}"] = p
        for moment, name in ((m, "first"), (v, "second")):
            parts = {"codes": moment.codes.astype(f32), "absmax": moment.absmax} if moment.packed else {"values": moment.values}
            expected |= {f"{name}.{part}.{key}": x for part, x in parts.items()}
    bars = lambda key: None if ".codes." in key else 1e-4
    real = lambda key: 1e-4 if key.startswith("gradient.") else None  # torch's own last digits
    return [Text("adamw8bit/settings.json", json_text(dict(**SETTINGS, steps=STEPS, recorded=RECORDED))), Tensors("adamw8bit/inputs.safetensors", tensors, SEED, real),
            Tensors("adamw8bit/expected.safetensors", expected, SEED, bars)]
