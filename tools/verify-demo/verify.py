"""What `npm run demo` wrote -> does diffusers + peft come to the same numbers? Closes with `N passed, N failed`.

    python tools/verify-demo/verify.py DEMO_OUTPUT [--model public/models/demo] [--photos public/samples/octopus]

Pixels and prompt are encoded again by diffusers and transformers, both held-out losses computed again with diffusers' U-Net and the adapter as peft
loads it, and the same adapter is tried on another subject, which it must not have learned."""
import argparse, glob, json, math, os, sys, warnings
from functools import cached_property
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, StableDiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from PIL import Image
from safetensors import safe_open
from transformers.utils import logging as transformers_logging

TOOLS = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/..")
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)
from checks import Checks, near

DRAWS, ENCODED, LOSS = 32, 1e-3, 0.01
FILES = ["adapter.safetensors", "adapter.diffusers.safetensors", "base.png", "adapted.png", "compare.png", "held-out.safetensors", "report.json"]
OTHER_SUBJECT, OTHER_SEED = f"{ROOT}/public/samples/teddy-bear", 900
diffusers_logging.set_verbosity_error()  # or it says that the file has nothing for the text encoder, as it should be
diffusers_logging.disable_progress_bar()
transformers_logging.disable_progress_bar()


class Demo:
    """The folder's contents and the model, each read when first asked for."""

    def __init__(self, folder: str, model: str):
        self.folder = folder
        self.pipe = StableDiffusionPipeline.from_pretrained(model, torch_dtype=torch.float32, safety_checker=None, requires_safety_checker=False)
        self.kept = DDPMScheduler.from_pretrained(model, subfolder="scheduler").alphas_cumprod

    @cached_property
    def report(self) -> dict:
        with open(f"{self.folder}/report.json") as f:
            return json.load(f)

    @cached_property
    def held_out(self) -> dict[str, torch.Tensor]:
        with safe_open(f"{self.folder}/held-out.safetensors", "pt") as f:
            return {k: f.get_tensor(k) for k in f.keys()}

    @cached_property
    def prompt(self) -> str:
        with safe_open(f"{self.folder}/held-out.safetensors", "pt") as f:
            return f.metadata()["prompt"]

    @torch.no_grad()
    def latents(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.pipe.vae.encode(pixels).latent_dist.mean * self.pipe.vae.config.scaling_factor

    @cached_property
    @torch.no_grad()
    def text_states(self) -> torch.Tensor:
        ids = self.pipe.tokenizer([self.prompt], padding="max_length", truncation=True, max_length=77, return_tensors="pt").input_ids
        return self.pipe.text_encoder(ids).last_hidden_state

    def load_adapter(self):
        self.pipe.load_lora_weights(self.folder, weight_name="adapter.diffusers.safetensors", adapter_name="demo")
        assert any(hasattr(m, "lora_A") for m in self.pipe.unet.modules()), "no module of the U-Net got a LoRA"

    @torch.no_grad()
    def loss(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> float:
        """Plain mean squared error over every photo's draws: latents (N, 4, h, w), noise (N, 32, 4, h, w), timesteps (32)."""
        kept, total = self.kept[timesteps][:, None, None, None], 0.0
        for z, e in zip(latents, noise):
            total += F.mse_loss(self.pipe.unet(kept.sqrt() * z + (1 - kept).sqrt() * e, timesteps, self.text_states.expand(len(timesteps), -1, -1)).sample, e).item()
        return total / len(latents)


def pictures(folder: str) -> list[np.ndarray]:
    return [np.array(Image.open(f).convert("RGB")) for f in sorted(glob.glob(f"{folder}/*.png"))]


def to_pixels(picture: np.ndarray) -> torch.Tensor:
    """(H, W, 3) uint8 -> (3, H, W) in [-1, 1]."""
    return torch.from_numpy(picture).permute(2, 0, 1).float() / 127.5 - 1


def whole(demo: Demo) -> str:
    missing = [f for f in FILES if not os.path.exists(f"{demo.folder}/{f}")]
    assert not missing, f"missing: {', '.join(missing)}"
    for f in FILES:
        if f.endswith(".png"):
            Image.open(f"{demo.folder}/{f}").load()
    r = demo.report
    wanted = {"adapter", "steps", "msPerStep", "losses", "heldOutLoss", "gpuBytes", "flopsPerStep", "dispatchesPerStep", "seed"}
    assert wanted <= r.keys(), f"report.json lacks {sorted(wanted - r.keys())}"
    assert len(r["losses"]) == r["steps"] and all(math.isfinite(x) and x > 0 for x in r["losses"]), f"{r['steps']} steps, {len(r['losses'])} losses"
    assert r["heldOutLoss"]["heldOutOn"] in ("kept-aside", "training"), r["heldOutLoss"]
    parts = [r["gpuBytes"][k] for k in ("weights", "arena", "lora", "staging")]
    assert r["gpuBytes"]["total"] == sum(parts), f"gpuBytes: {parts} are {sum(parts)} together, total says {r['gpuBytes']['total']}"
    return f"{r['steps']} steps on {r['adapter']}"


def inputs(demo: Demo) -> str:
    h = demo.held_out
    pixels, latents, noise, t = (h[k] for k in ("pixels", "latents", "noise", "timesteps"))
    count, channels = len(pixels), demo.pipe.vae.config.latent_channels
    assert pixels.ndim == 4 and pixels.shape[1] == 3 and pixels.abs().max() <= 1 and count > 0, f"pixels {tuple(pixels.shape)} up to {pixels.abs().max()}"
    assert latents.shape == (count, channels, pixels.shape[2] // 8, pixels.shape[3] // 8), f"latents {tuple(latents.shape)}"
    assert noise.shape == (count, DRAWS, *latents.shape[1:]), f"noise {tuple(noise.shape)}"
    assert t.dtype == torch.int64 and t.shape == (DRAWS,), f"timesteps {t.dtype} {tuple(t.shape)}"
    middles = (torch.arange(DRAWS) + 0.5) * len(demo.kept) / DRAWS
    assert (t - middles).abs().max() <= 1, f"timesteps {t.tolist()}, expected the middles of {DRAWS} equal strata"
    # A standard normal: five standard errors of its mean and of its deviation, over all draws.
    n = noise.numel()
    assert abs(noise.mean()) < 5 / n**0.5 and abs(noise.std() - 1) < 5 / (2 * n) ** 0.5, f"noise of mean {noise.mean():.4f}, deviation {noise.std():.4f}"
    flat = F.normalize(noise.flatten(2).flatten(0, 1), dim=1)
    alike = (flat @ flat.T - torch.eye(len(flat))).abs().max().item()
    assert alike < 0.5, f"two draws are alike: correlation {alike:.2f}"
    return f"{count} photo{'s' * (count > 1)}, {DRAWS} draws each, “{demo.prompt}”"


def from_photos(demo: Demo, folder: str) -> str:
    """Each held-out picture is one of the photos, where these need no resizing."""
    photos = torch.stack([to_pixels(p) for p in pictures(folder)])
    pixels = demo.held_out["pixels"]
    assert photos.shape[1:] == pixels.shape[1:], f"photos of {tuple(photos.shape[1:])}, pixels of {tuple(pixels.shape[1:])}: these cannot be compared"
    off = (pixels[:, None] - photos[None]).abs().mean((2, 3, 4)).min(1)
    assert off.values.max() < 0.5 / 127.5, f"a held-out picture is {off.values.max() * 127.5:.1f} grey levels away from the nearest photo"
    assert len(set(off.indices.tolist())) == len(pixels), f"photos {off.indices.tolist()}: one twice"
    return f"photo {', '.join(str(i + 1) for i in off.indices.tolist())} of {len(photos)}"


def agrees(got: float, reported: float, what: str) -> str:
    off = abs(got / reported - 1)
    assert off <= LOSS, f"{what}: diffusers finds {got:.6f}, report.json says {reported:.6f}: {off:.2%} apart"
    return f"{got:.6f}, reported {reported:.6f}: {off:.3%} apart"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", metavar="DEMO_OUTPUT")
    p.add_argument("--model", default=f"{ROOT}/public/models/demo")
    p.add_argument("--photos", default=f"{ROOT}/public/samples/octopus", help="the photos trained on; 'none' leaves out the comparison of pixels")
    a = p.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    checks, demo, seen = Checks(), Demo(a.folder, a.model), {}
    checks.run("every file is there and the report is whole", lambda: whole(demo))
    checks.run("held-out inputs are what they should be", lambda: inputs(demo))
    if a.photos != "none":
        checks.run("the held-out pixels are photos of the set", lambda: from_photos(demo, a.photos))
    held = lambda: (demo.latents(demo.held_out["pixels"]), demo.held_out["noise"], demo.held_out["timesteps"])
    checks.run("latents, by diffusers' VAE", lambda: near(demo.held_out["latents"], held()[0], ENCODED, "latents"))
    checks.run("text states, by transformers", lambda: near(demo.held_out["encoder_hidden_states"], demo.text_states, ENCODED, "encoder_hidden_states"))

    def losses(name: str, reported: str):
        seen[name] = demo.loss(*held())
        return agrees(seen[name], demo.report["heldOutLoss"][reported], f"{name} loss")

    rng = torch.Generator().manual_seed(OTHER_SEED)

    def other() -> float:
        if "other" not in seen:
            z = demo.latents(torch.stack([to_pixels(p) for p in pictures(OTHER_SUBJECT)]))
            seen["other"] = (z, torch.randn(len(z), DRAWS, *z.shape[1:], generator=rng), demo.held_out["timesteps"])
        return demo.loss(*seen["other"])

    def unlearned() -> str:
        ratio = other() / seen["other base"]
        assert ratio >= 1, f"adapted / base is {ratio:.4f} on a subject it never saw: it learned pictures in general"
        return f"adapted / base {ratio:.4f}"

    checks.run("base held-out loss", lambda: losses("base", "base"))
    checks.run("another subject's base loss", lambda: f"{seen.setdefault('other base', other()):.6f}")
    checks.run("diffusers + peft load the adapter", demo.load_adapter)
    checks.run("adapted held-out loss", lambda: losses("adapted", "adapted"))
    checks.run("another subject was not learned", unlearned)
    if "base" in seen and "adapted" in seen:
        print(f"adapted / base on the held-out photo: {seen['adapted'] / seen['base']:.4f}")
    sys.exit(checks.close())


if __name__ == "__main__":
    main()
