"""Text encoders and VAEs of other shapes than the demo model's -> test/golden/encoders-extra/<name>/: config.json, model.safetensors (f16) and
expected.safetensors, inputs and what transformers / diffusers make of them in f64.

    python tools/goldens/encoders_extra.py [--check]"""
import sys
import numpy as np
import torch
from diffusers import AutoencoderKL
from transformers import CLIPTextConfig, CLIPTextModel
from store import Tensors, Text, faults, json_text, write

BAR = 1e-3  # what the app is held to
INPUTS = ("ids", "pixels", "latents")
DOWN, UP = "DownEncoderBlock2D", "UpDecoderBlock2D"

# Stable Diffusion 2's activation; 5 heads of 8; names as transformers 4 writes them.
TEXT = dict(vocab_size=300, hidden_size=40, intermediate_size=72, num_hidden_layers=2, num_attention_heads=5, max_position_embeddings=77, hidden_act="gelu",
            layer_norm_eps=1e-4, bos_token_id=298, eos_token_id=299, pad_token_id=0, projection_dim=16)
VAES = {
    # Three levels, two layers, groups of 1, 2 and 3 channels, attention under its old names (once as matrices, once as 1 x 1 convolutions).
    "vae-old-names": (dict(block_out_channels=[4, 8, 12], layers_per_block=2, norm_num_groups=4, scaling_factor=0.18215, down_block_types=[DOWN] * 3, up_block_types=[UP] * 3), 202, (20, 28)),
    # Stable Diffusion 1.5's, every width an eighth of it: four levels, two layers, groups of 4, 8 and 16 channels. Two sizes.
    "vae-sd15-narrow": (dict(block_out_channels=[16, 32, 64, 64], layers_per_block=2, norm_num_groups=4, scaling_factor=0.18215, down_block_types=[DOWN] * 4,
                             up_block_types=[UP] * 4), 204, (64, 64), (72, 40)),
    # Two levels, groups of 4 and 6, everything that can be left out left out.
    "vae-bare": (dict(block_out_channels=[8, 12], layers_per_block=1, norm_num_groups=2, scaling_factor=0.5, down_block_types=[DOWN] * 2, up_block_types=[UP] * 2,
                      mid_block_add_attention=False, use_quant_conv=False, use_post_quant_conv=False), 203, (10, 6)),
}
OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def randomise(model: torch.nn.Module, seed: int):
    """Every parameter shows: no norm at 1 / 0, no bias at 0, no uniform softmax. Drawn with numpy, the same on any machine, rounded to f16."""
    rng = np.random.default_rng(seed)
    for name, p in model.named_parameters():
        x = rng.standard_normal(tuple(p.shape))
        if "norm" in name:
            x = 1 + 0.2 * x if name.endswith("weight") else 0.1 * x
        elif name.endswith("bias"):
            x = 0.1 * x
        elif "embedding" not in name:
            lively = any(part in name for part in ("q_proj", "k_proj", "to_q", "to_k"))
            x = x / np.sqrt(np.prod(p.shape[1:])) * (2 if lively else 1)
        p.data = torch.from_numpy(x.astype(np.float16)).double()
    return model.double().requires_grad_(False).eval()


def files(name: str, seed: int, config: dict, weights: dict, arrays: dict):
    as_f16 = {key: value.numpy() if value.dtype == torch.int64 else value.half().numpy() for key, value in weights.items()}
    assert all(np.isfinite(value).all() for value in arrays.values())
    folder = f"encoders-extra/{name}"
    return [Text(f"{folder}/config.json", json_text(config)), Tensors(f"{folder}/model.safetensors", as_f16, seed),
            Tensors(f"{folder}/expected.safetensors", arrays, seed, lambda key: None if key.split(".")[-1] in INPUTS else BAR)]


def text():
    seed = 201
    model = randomise(CLIPTextModel(CLIPTextConfig(**TEXT)), seed)
    ids = np.random.default_rng(seed + 1000).integers(0, TEXT["vocab_size"], (1, 77)).astype(np.int32)
    made = model(torch.from_numpy(ids).long(), output_hidden_states=True)
    norm = next(m for name, m in model.named_modules() if name.endswith("final_layer_norm"))
    # Clip skip 2 as A1111 and sd-scripts have it: what goes into the last layer, normed as what comes out of it.
    states, skipped = made.last_hidden_state[0], norm(made.hidden_states[-2])[0]
    weights = {f"text_model.{key.removeprefix('text_model.')}": value for key, value in model.state_dict().items()}
    weights["text_model.embeddings.position_ids"] = torch.arange(77)[None]  # old files have it; it is no weight
    config = {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", **TEXT}
    return files("text-gelu", seed, config, weights, {"ids": ids[0], "hidden_states": states.float().numpy(), "hidden_states_skip_2": skipped.float().numpy()})


def vae(name: str):
    config, seed, *sizes = VAES[name]
    model = randomise(AutoencoderKL(**config), seed)
    if name == "vae-old-names":  # one log-variance past each end of the clamp
        model.quant_conv.bias.data[4], model.quant_conv.bias.data[5] = 60, -60
    rng, scale = np.random.default_rng(seed + 1000), 2 ** (len(config["block_out_channels"]) - 1)
    arrays = {}
    for height, width in sizes:
        pixels = rng.uniform(-1, 1, (3, height, width)).astype(np.float32)
        latents = rng.standard_normal((4, height // scale, width // scale)).astype(np.float32)
        posterior = model.encode(torch.from_numpy(pixels)[None].double()).latent_dist
        decoded = model.decode(torch.from_numpy(latents)[None].double()).sample
        made = {"mean": posterior.mean[0], "log_variance": posterior.logvar[0], "decoded": decoded[0]}
        prefix = f"{height}x{width}." if len(sizes) > 1 else ""
        arrays |= {prefix + key: value for key, value in {"pixels": pixels, "latents": latents, **{key: value.float().numpy() for key, value in made.items()}}.items()}
    weights = dict(model.state_dict())
    if name == "vae-old-names":
        weights = {old_name(key): value[..., None, None] if key.startswith("decoder") and value.ndim == 2 else value for key, value in weights.items()}
    return files(name, seed, {"_class_name": "AutoencoderKL", **config}, weights, arrays)


def old_name(key: str) -> str:
    for now, before in OLD_NAMES.items():
        key = key.replace(f"attentions.0.{now}.", f"attentions.0.{before}.")
    return key


def make():
    return [*text(), *(file for name in VAES for file in vae(name))]


if __name__ == "__main__":
    torch.set_num_threads(1)
    wrong = []
    for file in make():
        if "--check" in sys.argv:
            wrong += faults(file)
        else:
            write(file)
    print("\n".join(wrong) or "ok")
    sys.exit(1 if wrong else 0)
