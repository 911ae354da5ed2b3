"""Noise, text states and a LoRA -> the latents that StableDiffusionPipeline ends with after 20 DDIM steps at guidance 7.5, in f64: adapter
off, on and at 0.5."""
import numpy as np
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
import lora, photos, unet
from store import DEMO, Tensors

SEED, STEPS, GUIDANCE, RANK = 600, 20, 7.5, 4
PROMPT, NEGATIVE = "a photo of duck figurine on a blue background", "a photo of crab figurine on a red background"
BARS = lambda key: 1e-3 if key.startswith("final.") or key == "alphas_cumprod" else None


def make():
    net = unet.demo_unet()
    lora.add(net, RANK)
    net.double()
    values = lora.draw(net, np.random.default_rng(SEED), RANK, b_std=0.05)
    lora.load(net, values)
    scheduler = DDIMScheduler.from_config(DDIMScheduler.load_config(f"{DEMO}/scheduler"))
    pipe = StableDiffusionPipeline(vae=photos.vae(), text_encoder=photos.text_encoder(), tokenizer=photos.tokenizer(), unet=net, scheduler=scheduler, safety_checker=None,
                                   feature_extractor=None, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    noise = np.random.default_rng(SEED + 1).standard_normal((1, 4, 16, 16)).astype(np.float32)
    text = {"prompt_embeds": photos.text_states([PROMPT]).float(), "negative_prompt_embeds": photos.text_states([NEGATIVE]).float()}
    scale = {"off": 0.0, "on": 1.0, "half": 0.5}

    def final(dtype):
        pipe.unet.to(dtype)
        pipe.text_encoder.to(dtype)  # the pipeline takes its precision from here
        run = lambda s: pipe(**{k: v.to(dtype) for k, v in text.items()}, latents=torch.from_numpy(noise).to(dtype), num_inference_steps=STEPS, guidance_scale=GUIDANCE,
                             output_type="latent", cross_attention_kwargs={"scale": s}).images
        return {name: run(s) for name, s in scale.items()}

    single, double = final(torch.float32), final(torch.float64)
    net.disable_adapters()
    assert torch.equal(pipe(**{k: v.double() for k, v in text.items()}, latents=torch.from_numpy(noise).double(), num_inference_steps=STEPS, guidance_scale=GUIDANCE,
                            output_type="latent").images, double["off"]), "scale 0 is not the same as no adapter"
    for name in scale:
        print(f"  ddim {name}, torch f32: {((single[name] - double[name]).norm() / double[name].norm()).item():.1e}; away from off by "
              f"{((double[name] - double['off']).norm() / double['off'].norm()).item():.2f}")
    out = {"latents": noise, **{k: v.numpy() for k, v in text.items()}, **values, "timesteps": scheduler.timesteps.int().numpy(),
           "alphas_cumprod": scheduler.alphas_cumprod.numpy(), **{f"final.{k}": v.float().numpy() for k, v in double.items()}}
    return [Tensors("ddim.safetensors", out, SEED, BARS)]
