"""The sample photos and a prompt -> what a training step of the demo model is given: noisy latents, timestep, text states, noise. Computed in
f64 and rounded to f32, so that the same values come out on any machine."""
from functools import cache
import numpy as np
import torch
from diffusers import AutoencoderKL, DDPMScheduler
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer
from store import DEMO, REPO

PROMPT = "a photo of aawxbc figurine"


def pixels(subject: str, count: int) -> torch.Tensor:
    """(N, 3, 128, 128) in [-1, 1]."""
    files = [f"{REPO}/public/samples/{subject}/{i:02}.png" for i in range(1, count + 1)]
    return torch.stack([torch.from_numpy(np.array(Image.open(f).convert("RGB"))).permute(2, 0, 1).double() / 127.5 - 1 for f in files])


@cache
def tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer(f"{DEMO}/tokenizer/vocab.json", f"{DEMO}/tokenizer/merges.txt", model_max_length=77, pad_token="<|endoftext|>")


@cache
def vae() -> AutoencoderKL:
    return AutoencoderKL.from_pretrained(f"{DEMO}/vae").double().requires_grad_(False)


@cache
def text_encoder() -> CLIPTextModel:
    return CLIPTextModel.from_pretrained(f"{DEMO}/text_encoder").double().requires_grad_(False)


def text_states(prompts: list[str]) -> torch.Tensor:
    """(B, 77, d), padded as SD 1.5 does, without an attention mask."""
    ids = tokenizer()(prompts, padding="max_length", truncation=True, max_length=77, return_tensors="pt").input_ids
    return text_encoder()(ids).last_hidden_state


def alphas_cumprod() -> torch.Tensor:
    return DDPMScheduler.from_pretrained(f"{DEMO}/scheduler").alphas_cumprod.double()


def training_inputs(seed: int, count: int) -> dict[str, np.ndarray]:
    """`count` draws over the octopus photos, the posterior re-sampled each time."""
    rng, posterior = np.random.default_rng(seed), vae().encode(pixels("octopus", 4)).latent_dist
    draw = lambda: torch.from_numpy(rng.standard_normal((count, *posterior.mean.shape[1:])))
    photo, timestep = rng.integers(0, 4, count), rng.integers(0, 1000, count)
    z = (posterior.mean[photo] + posterior.std[photo] * draw()) * vae().config.scaling_factor
    noise, kept = draw(), alphas_cumprod()[timestep][:, None, None, None]
    f32 = lambda x: x.float().numpy()
    return {"sample": f32(kept.sqrt() * z + (1 - kept).sqrt() * noise), "timestep": timestep,
            "encoder_hidden_states": f32(text_states([PROMPT]).repeat(count, 1, 1)), "target": f32(noise)}
