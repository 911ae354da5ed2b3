"""Prompts and pictures -> the demo model's text states, posterior and decoded pictures by transformers and diffusers in f64."""
import numpy as np
import torch
import photos
from store import Tensors

SEED = 500
PROMPTS = ["", photos.PROMPT, "a photo of duck figurine on a blue background", "Café, naïve — 3 × “quoted” 문어 🐙!", "octopus " * 90,
           "a photo of aawxbc figurine<|endoftext|> and what follows"]
BARS = lambda key: 1e-3 if key.split(".")[-1] in ("last_hidden_state", "mean", "logvar", "decoded") else None


def make():
    ids = photos.tokenizer()(PROMPTS, padding="max_length", truncation=True, max_length=77, return_tensors="pt").input_ids
    out = {"clip.ids": ids.int().numpy(), "clip.last_hidden_state": photos.text_encoder()(ids).last_hidden_state.float().numpy()}
    rng, pictures = np.random.default_rng(SEED), {"square": photos.pixels("octopus", 1), "wide": photos.pixels("teddy-bear", 1)[:, :, 16:112]}
    for name, pixels in pictures.items():
        pixels = pixels.float()
        posterior = photos.vae().encode(pixels.double()).latent_dist
        # z as the decoder takes it: not multiplied by scaling_factor.
        z = (posterior.mean + posterior.std * torch.from_numpy(rng.standard_normal(posterior.mean.shape))).float()
        f32 = lambda x: x.float().numpy()
        out |= {f"vae.{name}.pixels": f32(pixels), f"vae.{name}.mean": f32(posterior.mean), f"vae.{name}.logvar": f32(posterior.logvar), f"vae.{name}.latents": f32(z),
                f"vae.{name}.decoded": f32(photos.vae().decode(z.double()).sample)}
    return [Tensors("encoders.safetensors", out, SEED, BARS)]
