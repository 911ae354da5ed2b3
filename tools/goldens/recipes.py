"""The demo U-Net, recorded draws and a recipe -> diffusers' training code step by step, in f64: losses, rates, gradient norms and the LoRA after.

What train_dreambooth_lora.py (prior preservation, accumulation, schedules) and train_text_to_image_lora.py (min-SNR, noise offset) do between
drawing and stepping, with their own helpers: DDPMScheduler.add_noise, compute_snr, get_scheduler, clip_grad_norm_, torch AdamW."""
from dataclasses import dataclass
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler
from diffusers.optimization import get_scheduler
from diffusers.training_utils import compute_snr
import lora, photos, unet
from store import DEMO, Tensors, Text, json_text

RANK, SEED, CLASS_PROMPT = 4, 340, "a photo of a figurine"


@dataclass(frozen=True)
class Recipe:
    steps: int = 10
    batch: int = 1
    accumulate: int = 1
    epochs: int = 0  # where set: photos come by epochs of PHOTOS items, with what is left over
    schedule: str = "constant"
    warmup: int = 0
    clip: float = 1.0
    gamma: float = 0
    offset: float = 0
    prior: float | None = None
    targets: str = "attention"


PHOTOS, CLASSES = 3, 2
RECIPES = {
    "min-snr": Recipe(gamma=5.0, offset=0.05),
    "accumulate": Recipe(steps=10, accumulate=2, epochs=5, schedule="cosine", warmup=3, clip=0.02),
    "prior": Recipe(batch=2, prior=0.7),
    "linear": Recipe(targets="linears"),
    "locon": Recipe(targets="locon"),
}
# lora_after: the bar is on the update; losses are held to 5e-4 there.
BARS = lambda key: 3e-4 if key.startswith("lora_after.") else 1e-4


def sizes(r: Recipe) -> list[list[int]]:
    """Of each step: the sizes of the batches that it gathers."""
    if not r.epochs:
        return [[r.batch] * r.accumulate] * r.steps
    batches = [min(r.batch, PHOTOS - at) for at in range(0, PHOTOS, r.batch)]
    groups = [batches[at:at + r.accumulate] for at in range(0, len(batches), r.accumulate)]
    return (groups * r.epochs)[: r.steps]


def draw(r: Recipe, rng: np.random.Generator, shape) -> list[dict]:
    """For every sample of every step, photos before class pictures in each batch: which, ε of the posterior, noise, offset, t."""
    samples = []
    for step, group in enumerate(sizes(r)):
        for b, size in enumerate(group):
            for kind in ("photo",) if r.prior is None else ("photo", "class"):
                for _ in range(size):
                    of = PHOTOS if kind == "photo" else CLASSES
                    samples.append(dict(step=step, batch=b, size=size, kind=kind, index=int(rng.integers(of)), timestep=int(rng.integers(1000)),
                                        epsilon=rng.standard_normal(shape).astype(np.float32), noise=rng.standard_normal(shape).astype(np.float32),
                                        offset=rng.standard_normal(shape[0]).astype(np.float32)))
    return samples


def train(net, r: Recipe, samples, posterior, states):
    own = lora.parameters(net)
    rate = 1e-3
    optimizer = torch.optim.AdamW(own.values(), lr=rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2)
    scheduler = get_scheduler(r.schedule, optimizer=optimizer, num_warmup_steps=r.warmup, num_training_steps=r.steps)
    noise_scheduler = DDPMScheduler.from_pretrained(f"{DEMO}/scheduler")
    losses, norms, rates = [], [], []
    for step, group in enumerate(sizes(r)):
        optimizer.zero_grad()
        told = []
        for b in range(len(group)):
            mine = [s for s in samples if s["step"] == step and s["batch"] == b]
            stack = lambda key: torch.stack([torch.from_numpy(s[key]) for s in mine]).double()
            at = [s["index"] + (PHOTOS if s["kind"] == "class" else 0) for s in mine]
            latents = (posterior["mean"][at] + torch.exp(0.5 * posterior["logvar"][at]) * stack("epsilon")) * photos.vae().config.scaling_factor
            noise = stack("noise") + r.offset * stack("offset")[:, :, None, None]
            timesteps = torch.tensor([s["timestep"] for s in mine])
            noisy = noise_scheduler.add_noise(latents, noise, timesteps)
            text = torch.stack([states[s["kind"]] for s in mine])
            predicted, target = net(noisy, timesteps, text).sample, noise
            if r.prior is not None:
                predicted, prior_predicted = torch.chunk(predicted, 2, dim=0)
                target, prior_target = torch.chunk(target, 2, dim=0)
                loss = F.mse_loss(predicted, target) + r.prior * F.mse_loss(prior_predicted, prior_target)
            elif r.gamma:
                snr = compute_snr(noise_scheduler, timesteps)
                weights = torch.stack([snr, r.gamma * torch.ones_like(timesteps)], dim=1).min(dim=1)[0] / snr
                loss = (F.mse_loss(predicted, target, reduction="none").mean(dim=[1, 2, 3]) * weights).mean()
            else:
                loss = F.mse_loss(predicted, target)
            (loss / r.accumulate).backward()
            told.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(own.values(), r.clip).item())
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
        losses.append(float(np.mean(told)))
    return losses, norms, rates, {k: p.detach().float().numpy().copy() for k, p in own.items()}


def make(name: str):
    r, folder, rng = RECIPES[name], f"recipes/{name}", np.random.default_rng([SEED, list(RECIPES).index(name)])
    dist = photos.vae().encode(torch.cat([photos.pixels("octopus", PHOTOS), photos.pixels("teddy-bear", CLASSES)])).latent_dist
    posterior = {"mean": dist.mean.float().double(), "logvar": dist.logvar.float().double()}
    both = photos.text_states([photos.PROMPT, CLASS_PROMPT]).float().double()
    states = {"photo": both[0], "class": both[1]}
    net = unet.demo_unet()
    lora.add(net, RANK, {"attention": lora.TARGETS, "linears": lora.LINEAR, "locon": lora.LOCON}[r.targets])
    net.double()
    start = lora.draw(net, rng, RANK, 0.02)
    lora.load(net, start)
    samples = draw(r, rng, tuple(posterior["mean"].shape[1:]))
    losses, norms, rates, after = train(net, r, samples, posterior, states)
    print(f"  {name}: losses {np.round(losses, 4).tolist()}, norms {np.round(norms, 3).tolist()}", flush=True)
    assert max(norms) > r.clip or name != "accumulate"
    f32 = lambda x: x.float().numpy()
    inputs = {"mean": f32(posterior["mean"]), "logvar": f32(posterior["logvar"]), "states": f32(both), **{k: np.stack([s[k] for s in samples]) for k in ("epsilon", "noise", "offset")}}
    told = [{k: s[k] for k in ("step", "batch", "size", "kind", "index", "timestep")} for s in samples]
    settings = dict(steps=r.steps, batch=r.batch, accumulate=r.accumulate, epochs=r.epochs, schedule=r.schedule, warmupSteps=r.warmup, clip=r.clip,
                    minSnrGamma=r.gamma, noiseOffset=r.offset, priorWeight=r.prior, rank=RANK, learningRate=1e-3, photos=PHOTOS,
                    **({} if r.targets == "attention" else {"targets": r.targets}))
    expected = {"losses": np.array(losses, np.float32), "norms": np.array(norms, np.float32), "rates": np.array(rates, np.float32),
                **{f"lora_after.{k}": v for k, v in after.items()}}
    encoded = lambda key: 1e-5 if key in ("mean", "logvar", "states") else None
    return [Text(f"{folder}/settings.json", json_text(dict(settings=settings, samples=told)).replace("\n      ", " ").replace("\n    }", " }")),
            Tensors(f"{folder}/lora.safetensors", start, SEED), Tensors(f"{folder}/inputs.safetensors", inputs, SEED, encoded),
            Tensors(f"{folder}/expected.safetensors", expected, SEED, BARS)]


def make_weights():
    """min-SNR's weight of every t, γ 5 and 1, ε and v; and noise with an offset."""
    s = DDPMScheduler.from_pretrained(f"{DEMO}/scheduler")
    snr = compute_snr(s, torch.arange(1000)).double()
    tensors = {}
    for gamma in (5.0, 1.0):
        least = torch.stack([snr, gamma * torch.ones_like(snr)], dim=1).min(dim=1)[0]
        tensors |= {f"epsilon.{gamma:g}": (least / snr).float().numpy(), f"v_prediction.{gamma:g}": (least / (snr + 1)).float().numpy()}
    return [Tensors("recipes/min-snr-weights.safetensors", tensors, SEED, lambda key: 1e-4)]
