"""A checkpoint of make.py -> what diffusers, peft and transformers make of it in f32, with the inputs it was made from.

    python tools/sd15/reference.py MODEL OUT [--size 256|512] [--encoders]

Writes OUT.safetensors (inputs, adapter, noise_pred, loss, gradients; with --encoders text states, posterior and pixels instead) and OUT.json (versions,
seed, FLOPs as torch counts them, seconds)."""
import argparse, json, os, sys, time
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTokenizer

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../goldens"))
import lora
from flops import forward_flops
from store import VERSIONS

RANK = 4
TOKENS = 77
PROMPTS = ["a photo of aawxbc figurine", "a photo of a figurine, studio light, on a wooden table, 50mm", ""]


def timed(seconds: dict, name: str, work):
    began = time.time()
    result = work()
    seconds[name] = round(time.time() - began, 2)
    print(f"  {name}: {seconds[name]} s", flush=True)
    return result


def inputs(folder: str, size: int, text_width: int, seed: int) -> dict[str, torch.Tensor]:
    """Drawn with numpy, the same on any machine. Latents as a VAE gives them: about 1 after scaling."""
    rng, side = np.random.default_rng(seed), size // 8
    draw = lambda *shape: torch.from_numpy(rng.standard_normal(shape).astype(np.float32))
    x = {"latents": draw(1, 4, side, side), "noise": draw(1, 4, side, side), "timestep": torch.from_numpy(rng.integers(0, 1000, 1)), "encoder_hidden_states": draw(1, TOKENS, text_width)}
    x["sample"] = DDPMScheduler.from_pretrained(folder, subfolder="scheduler").add_noise(x["latents"], x["noise"], x["timestep"])
    return x


def unet_reference(folder: str, size: int, seed: int, seconds: dict) -> dict[str, torch.Tensor]:
    unet = timed(seconds, "load", lambda: UNet2DConditionModel.from_pretrained(folder, subfolder="unet", variant="fp16", torch_dtype=torch.float32))
    unet.set_attn_processor(AttnProcessor())
    unet.enable_gradient_checkpointing()  # the same numbers in less memory
    unet.train()  # checkpoints only then; no layer of this family has a dropout
    lora.add(unet, RANK)
    start = lora.draw(unet, np.random.default_rng(seed + 1), RANK, b_std=0.02)
    lora.load(unet, start)
    x = inputs(folder, size, unet.config.cross_attention_dim, seed)
    def step():
        predicted = unet(x["sample"], x["timestep"], x["encoder_hidden_states"]).sample
        loss = F.mse_loss(predicted, x["noise"])
        loss.backward()
        return predicted.detach(), loss.detach().reshape(1)
    noise_pred, loss = timed(seconds, "step", step)
    found = {"noise_pred": noise_pred, "loss": loss, **{f"grad.{key}": p.grad for key, p in lora.parameters(unet).items()}}
    assert all(v.isfinite().all() and v.abs().max() > 0 for v in found.values())
    return {**x, **{f"lora.{key}": torch.from_numpy(v) for key, v in start.items()}, **found}


@torch.no_grad()
def encoder_reference(folder: str, size: int, seed: int, seconds: dict) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(seed + 2)
    tokenizer = CLIPTokenizer.from_pretrained(folder, subfolder="tokenizer")
    ids = tokenizer(PROMPTS, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt").input_ids
    text = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder", variant="fp16", torch_dtype=torch.float32)
    states = timed(seconds, "text", lambda: text(ids).last_hidden_state)
    del text
    vae = AutoencoderKL.from_pretrained(folder, subfolder="vae", variant="fp16", torch_dtype=torch.float32)
    # Smooth light and dark as in a photo, and some grain.
    coarse = torch.from_numpy(rng.uniform(-1, 1, (1, 3, 9, 9)).astype(np.float32))
    grain = torch.from_numpy(rng.standard_normal((1, 3, size, size)).astype(np.float32))
    pixels = (F.interpolate(coarse, size=(size, size), mode="bicubic") + 0.05 * grain).clamp(-1, 1)
    latents = torch.from_numpy(rng.standard_normal((1, 4, size // 8, size // 8)).astype(np.float32)) / vae.config.scaling_factor
    posterior = timed(seconds, "encode", lambda: vae.encode(pixels).latent_dist)
    decoded = timed(seconds, "decode", lambda: vae.decode(latents).sample)
    return {"ids": ids, "hidden_states": states, "pixels": pixels, "mean": posterior.mean, "log_variance": posterior.logvar, "latents": latents, "decoded": decoded}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("out")
    p.add_argument("--size", type=int, default=512)
    p.add_argument("--encoders", action="store_true")
    p.add_argument("--seed", type=int, default=1500)
    a = p.parse_args()
    seconds: dict[str, float] = {}
    facts = {"versions": VERSIONS, "seed": a.seed, "size": a.size, "rank": RANK, "seconds": seconds}
    if a.encoders:
        tensors = encoder_reference(a.model, a.size, a.seed, seconds)
        facts["prompts"] = PROMPTS
    else:
        tensors = unet_reference(a.model, a.size, a.seed, seconds)
        facts["flops"] = forward_flops(UNet2DConditionModel.load_config(a.model, subfolder="unet"), 1, a.size // 8, a.size // 8)
    os.makedirs(os.path.dirname(os.path.abspath(a.out)), exist_ok=True)
    save_file({k: v.contiguous() for k, v in tensors.items()}, a.out + ".safetensors")
    with open(a.out + ".json", "w") as f:  # last: a reference without it is not whole
        json.dump(facts, f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
