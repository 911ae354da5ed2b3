"""LoRA parameters in diffusers' names and layout <-> a diffusers U-Net with peft's layers."""
import numpy as np
import torch
from peft import LoraConfig

TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]
# kohya's U-Net: every linear layer and 1x1 convolution of its Transformer2DModels; with conv_dim those of ResnetBlock2D, Downsample2D and Upsample2D too.
LINEAR = [*TARGETS, "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"]
LOCON = [*LINEAR, "conv1", "conv2", "conv_shortcut", "time_emb_proj", "conv"]


def add(unet, rank: int, targets=TARGETS):
    unet.requires_grad_(False)
    unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=targets))


def parameters(unet) -> dict[str, torch.nn.Parameter]:
    """`unet.<module>.lora.{down,up}.weight` -> peft's parameter, in the order of the modules."""
    names = {".lora_A.default.weight": ".lora.down.weight", ".lora_B.default.weight": ".lora.up.weight"}
    found = {}
    for name, p in unet.named_parameters():
        for peft_name, ours in names.items():
            if name.endswith(peft_name):
                found["unet." + name.removesuffix(peft_name) + ours] = p
    return found


def draw(unet, rng: np.random.Generator, rank: int, b_std: float) -> dict[str, np.ndarray]:
    """A ~ N(0, (1/r)²) as peft's gaussian init, B ~ N(0, b_std²), f32."""
    std = lambda key: 1 / rank if ".down." in key else b_std
    return {key: (std(key) * rng.standard_normal(tuple(p.shape))).astype(np.float32) for key, p in parameters(unet).items()}


@torch.no_grad()
def load(unet, values: dict[str, np.ndarray]):
    own = parameters(unet)
    assert own.keys() == values.keys()
    for key, p in own.items():
        p.copy_(torch.from_numpy(values[key]))
