"""Small random operands -> each op's result and gradients by torch in f64, stored f32 in the app's layout: images (B, H, W, C), tokens (B, T, C)."""
import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.embeddings import get_timestep_embedding
from store import Tensors

SEED = 400
EMBEDDING_DTYPE = torch.float32  # diffusers computes sin and cos in f32 whatever the model's precision


class Case:
    """Draws leaves, runs `f` on them, keeps inputs, result and d(result · dy)."""

    def __init__(self, rng: np.random.Generator):
        self.rng, self.tensors, self.leaves = rng, {}, {}

    def leaf(self, name: str, *shape: int, scale=1.0, offset=0.0, grad=True) -> torch.Tensor:
        stored = (offset + scale * self.rng.standard_normal(shape)).astype(np.float32)
        self.tensors[name] = stored
        x = torch.from_numpy(stored).double().requires_grad_(grad)
        if grad:
            self.leaves[name] = x
        return x

    def setting(self, **numbers):
        for name, value in numbers.items():
            self.tensors[name] = np.array([value], np.float32 if isinstance(value, float) else np.int32)

    def result(self, y: torch.Tensor, scalar=False):
        self.tensors["y"] = y.detach().float().numpy().reshape(-1) if scalar else y.detach().float().numpy()
        dy = np.ones((), np.float32) if scalar else self.rng.standard_normal(y.shape).astype(np.float32)
        if not scalar:
            self.tensors["dy"] = dy
        y.backward(torch.from_numpy(dy).double())
        for name, x in self.leaves.items():
            self.tensors["d" + name] = x.grad.float().numpy()


nchw = lambda x: x.permute(0, 3, 1, 2)
nhwc = lambda x: x.permute(0, 2, 3, 1)


def conv2d(c: Case, stride: int, bias=True):
    """`weight` is (O, kh, kw, I); diffusers stores (O, I, kh, kw)."""
    x, weight = c.leaf("x", 2, 5, 7, 6), c.leaf("weight", 10, 3, 3, 6, scale=54**-0.5, grad=False)
    c.setting(stride=stride)
    c.result(nhwc(F.conv2d(nchw(x), nchw(weight), c.leaf("bias", 10, grad=False) if bias else None, stride=stride, padding=1)).contiguous())


def linear(c: Case, inputs: int, outputs: int, bias: bool):
    x, weight = c.leaf("x", 2, 9, inputs), c.leaf("weight", outputs, inputs, scale=inputs**-0.5)
    c.result(F.linear(x, weight, c.leaf("bias", outputs) if bias else None))


def lora_linear(c: Case, rank: int):
    """y = x Wᵀ + b + scale (x downᵀ) upᵀ."""
    x, weight, bias = c.leaf("x", 2, 9, 12), c.leaf("weight", 20, 12, scale=12**-0.5, grad=False), c.leaf("bias", 20, grad=False)
    down, up = c.leaf("down", rank, 12, scale=1 / rank), c.leaf("up", 20, rank, scale=0.2)
    c.setting(scale=0.5)
    c.result(F.linear(x, weight, bias) + 0.5 * F.linear(F.linear(x, down), up))


def group_norm(c: Case, groups: int, channels: int, epsilon: float, silu: bool):
    x = c.leaf("x", 2, 5, 3, channels, offset=0.7)
    weight, bias = c.leaf("weight", channels, scale=0.2, offset=1, grad=False), c.leaf("bias", channels, scale=0.1, grad=False)
    c.setting(groups=groups, epsilon=epsilon, silu=int(silu))
    y = nhwc(F.group_norm(nchw(x), groups, weight, bias, epsilon)).contiguous()
    c.result(F.silu(y) if silu else y)


def layer_norm(c: Case, channels: int):
    x = c.leaf("x", 2, 9, channels, offset=0.7)
    c.setting(epsilon=1e-5)
    c.result(F.layer_norm(x, (channels,), c.leaf("weight", channels, scale=0.2, offset=1, grad=False), c.leaf("bias", channels, scale=0.1, grad=False), 1e-5))


def geglu(c: Case, channels: int):
    """x (B, T, 2C) = [value | gate]; y = value · gelu(gate), the exact one with erf."""
    value, gate = c.leaf("x", 2, 9, 2 * channels, scale=2.0).chunk(2, -1)
    c.result(value * F.gelu(gate))


def silu(c: Case):
    c.result(F.silu(c.leaf("x", 3, 50, scale=4.0)))


def softmax(c: Case, keys: int):
    c.result(F.softmax(c.leaf("x", 2, 9, keys, scale=3.0), -1))


def attention(c: Case, queries: int, keys: int, heads: int, head_dim: int):
    """(B, T, heads · head_dim), scores / sqrt(head_dim)."""
    width = heads * head_dim
    q, k, v = c.leaf("q", 2, queries, width, scale=1.5), c.leaf("k", 2, keys, width, scale=1.5), c.leaf("v", 2, keys, width)
    split = lambda x: x.reshape(2, -1, heads, head_dim).transpose(1, 2)
    weights = F.softmax(split(q) @ split(k).transpose(-1, -2) / head_dim**0.5, -1)
    c.setting(heads=heads)
    c.result((weights @ split(v)).transpose(1, 2).reshape(2, queries, width))


def upsample(c: Case, height: int, width: int):
    c.result(nhwc(F.interpolate(nchw(c.leaf("x", 2, 4, 3, 6)), (height, width), mode="nearest")).contiguous())


def mse(c: Case):
    c.result(F.mse_loss(c.leaf("x", 2, 5, 7, 4), c.leaf("target", 2, 5, 7, 4, grad=False)), scalar=True)


def adamw(c: Case, steps=4):
    """`gradient` (steps, n); clip_grad_norm_ then AdamW. Parameters, both moments after each step; norms before clipping. The first step is clipped, the last is not."""
    start, gradients = c.leaf("parameter", 37, grad=False), c.leaf("gradient", steps, 37, scale=0.1, grad=False)
    gradients = gradients * torch.tensor([1, 1, 0.5, 0.2]).double()[:, None]
    c.tensors["gradient"] = gradients.float().numpy()
    p = torch.nn.Parameter(start.clone())
    settings = dict(lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)
    c.setting(learning_rate=1e-2, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.1, clip=0.3)
    optimizer, after, norms = torch.optim.AdamW([p], **settings), [], []
    for g in torch.from_numpy(c.tensors["gradient"]).double():
        p.grad = g.clone()
        norms.append(torch.nn.utils.clip_grad_norm_([p], 0.3).item())
        optimizer.step()
        state = optimizer.state[p]
        after.append([p.detach().clone(), state["exp_avg"].clone(), state["exp_avg_sq"].clone()])
    for i, name in enumerate(("y", "first_moment", "second_moment")):
        c.tensors[name] = torch.stack([a[i] for a in after]).float().numpy()
    c.tensors["gradient_norm"] = np.array(norms, np.float32)


def timestep_embedding(c: Case, channels: int):
    """The U-Net's sin / cos features: cosines first (flip_sin_to_cos), an odd width ends in a zero."""
    c.tensors["timestep"] = np.array([0, 1, 37, 500, 999], np.int32)
    y = get_timestep_embedding(torch.tensor([0, 1, 37, 500, 999]), channels, flip_sin_to_cos=True, downscale_freq_shift=0)
    c.tensors["y"] = y.to(EMBEDDING_DTYPE).numpy()


OPS = {
    "conv2d": {"stride1": lambda c: conv2d(c, 1), "stride2": lambda c: conv2d(c, 2), "no_bias": lambda c: conv2d(c, 1, bias=False)},
    "linear": {"plain": lambda c: linear(c, 12, 20, True), "no_bias": lambda c: linear(c, 12, 20, False), "odd": lambda c: linear(c, 13, 7, True)},
    "lora_linear": {"rank4": lambda c: lora_linear(c, 4), "rank1": lambda c: lora_linear(c, 1), "rank3": lambda c: lora_linear(c, 3)},
    "group_norm": {"silu": lambda c: group_norm(c, 4, 12, 1e-5, True), "plain": lambda c: group_norm(c, 4, 20, 1e-6, False), "wide": lambda c: group_norm(c, 2, 16, 1e-5, True)},
    "layer_norm": {"even": lambda c: layer_norm(c, 20), "odd": lambda c: layer_norm(c, 21)},
    "geglu": {"plain": lambda c: geglu(c, 10), "odd": lambda c: geglu(c, 7)},
    "silu": {"plain": silu},
    "softmax": {"plain": lambda c: softmax(c, 20), "text": lambda c: softmax(c, 77)},
    "attention": {"self": lambda c: attention(c, 15, 15, 2, 8), "cross": lambda c: attention(c, 15, 77, 3, 5)},
    "upsample": {"twice": lambda c: upsample(c, 8, 6), "odd": lambda c: upsample(c, 7, 5)},
    "mse": {"plain": mse},
    "adamw": {"clipped": adamw},
    "timestep_embedding": {"even": lambda c: timestep_embedding(c, 64), "odd": lambda c: timestep_embedding(c, 21)},
}
OUTPUTS = ("y", "first_moment", "second_moment", "gradient_norm", "dx", "dq", "dk", "dv", "ddown", "dup", "dweight", "dbias")
BARS = lambda key: 1e-5 if key.split(".")[-1] in OUTPUTS else None  # a few roundings of f32


def make():
    files = []
    for number, (op, cases) in enumerate(OPS.items()):
        tensors = {}
        for at, (case, run) in enumerate(cases.items()):
            c = Case(np.random.default_rng([SEED, number, at]))
            run(c)
            tensors |= {f"{case}.{name}": x for name, x in c.tensors.items()}
        files.append(Tensors(f"ops/{op}.safetensors", tensors, SEED, BARS))
    return files
