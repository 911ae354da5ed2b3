"""A made-up U-Net -> the latents after every step of diffusers' schedulers, made from Stable Diffusion 1.5's scheduler config as a pipeline makes them;
and what torch.randn draws, call after call."""
import numpy as np
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler, PNDMScheduler
from store import Tensors

SEED, SHAPE, STEPS = 650, (1, 4, 2, 3), (10, 25)
BARS = lambda key: None if key == "noise" else 1e-4
SD15 = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, set_alpha_to_one=False, skip_prk_steps=True, steps_offset=1)
SAMPLERS = {
    "ddim": (DDIMScheduler, {"clip_sample": False}), "pndm": (PNDMScheduler, {}), "euler": (EulerDiscreteScheduler, {}), "euler-a": (EulerAncestralDiscreteScheduler, {}),
    "dpm++2m": (DPMSolverMultistepScheduler, {}), "dpm++2m-karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
}
SPACINGS = {"own": {}, "leading": {"timestep_spacing": "leading"}}  # each scheduler's own where the config does not say, as in SD 1.5's


def unet(x: torch.Tensor, t) -> torch.Tensor:
    """Depends on every latent, the level and the place, and is neither odd nor linear."""
    place = torch.arange(x.numel(), dtype=torch.float32).reshape(x.shape)
    return torch.sin(0.9 * x + float(t) / 150 + 0.1 * place) + 0.1


def latents(scheduler, steps: int) -> np.ndarray:
    generator = torch.Generator("cpu").manual_seed(SEED)
    scheduler.set_timesteps(steps)
    x, rows = torch.randn(SHAPE, generator=generator) * scheduler.init_noise_sigma, []
    more = {"generator": generator} if isinstance(scheduler, EulerAncestralDiscreteScheduler) else {}
    for t in scheduler.timesteps:
        x = scheduler.step(unet(scheduler.scale_model_input(x, t), t), t, x, **more).prev_sample
        rows.append(x.numpy().ravel())
    return np.stack(rows).astype(np.float32)


def make():
    out = {"noise": torch.randn(SHAPE, generator=torch.Generator("cpu").manual_seed(SEED)).numpy().ravel()}
    for prediction in ("epsilon", "v_prediction"):
        for spacing, said in SPACINGS.items():
            config = PNDMScheduler(**SD15, **said, prediction_type=prediction).config
            for name, (scheduler, own) in SAMPLERS.items():
                for steps in STEPS:
                    out[f"{name}.{prediction}.{spacing}.{steps}"] = latents(scheduler.from_config(config, **own), steps)
    return [Tensors("samplers.safetensors", out, SEED, BARS), randn()]


SEEDS, DRAWS = (0, 1, 42, 2**32 - 1, 2**32 + 7), (3, 16, 2, 17, 1, 47, 64, 15, 500)


def randn() -> Tensors:
    out = {}
    for seed in SEEDS:
        generator = torch.Generator("cpu").manual_seed(seed)
        out |= {f"{seed}.{i}": torch.randn(count, generator=generator).numpy() for i, count in enumerate(DRAWS)}
    return Tensors("randn.safetensors", out, SEED, lambda key: 1e-5)  # processors differ in the last bit of sin, cos and log
