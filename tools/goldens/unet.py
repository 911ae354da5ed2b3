"""A config -> a golden folder: unet/ (f16), lora, inputs, and what diffusers + peft make of them in f64: noise_pred, loss, gradients."""
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
import configs, lora, photos
from store import DEMO, Tensors, Text, VERSIONS, json_text

REF = "public/models/demo/unet"
# What the engine is held to with f32 activations.
BARS = lambda key: 1e-3 if key.startswith("grad.") else 1e-4


def random_unet(golden: configs.Golden):
    """A U-Net whose every parameter shows: lively attention, no norm at 1 / 0 and no bias at 0. Values are drawn with numpy, the same on any
    machine, and rounded to f16."""
    unet, rng = UNet2DConditionModel(**golden.config), np.random.default_rng(golden.seed)
    for name, p in unet.named_parameters():
        shape = tuple(p.shape)
        x = rng.standard_normal(shape)
        if "norm" in name:
            x = 1 + 0.2 * x if name.endswith("weight") else 0.1 * x
        elif name.endswith("bias"):
            x = 0.1 * x
        else:  # torch's own scale; queries and keys larger, so that a softmax is not uniform and their gradients count
            x = x / np.sqrt(np.prod(shape[1:])) * (1 if ".to_q." in name or ".to_k." in name else 3**-0.5)
        p.data = torch.from_numpy(x.astype(np.float16)).double()
    return unet.double()


def demo_unet():
    return UNet2DConditionModel.from_pretrained(f"{DEMO}/unet").double()  # f16 on disk; upcast exactly


def random_inputs(golden: configs.Golden) -> dict[str, np.ndarray]:
    rng, latents = np.random.default_rng(golden.seed + 1000), (golden.batch, 4, golden.height, golden.width)
    draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    return {"sample": draw(*latents), "timestep": rng.integers(0, 1000, golden.batch), "encoder_hidden_states": draw(golden.batch, 77, golden.config["cross_attention_dim"]),
            "target": draw(*latents)}


def expected(unet, inputs: dict[str, np.ndarray], loss_scale=1) -> dict[str, torch.Tensor]:
    """Forward and backward in the U-Net's own precision."""
    dtype = next(unet.parameters()).dtype
    x = {k: torch.from_numpy(v) if k == "timestep" else torch.from_numpy(v).to(dtype) for k, v in inputs.items()}
    own = lora.parameters(unet)
    unet.zero_grad()
    predicted = unet(x["sample"], x["timestep"], x["encoder_hidden_states"]).sample
    loss = F.mse_loss(predicted, x["target"])
    (loss * loss_scale).backward()
    return {"noise_pred": predicted.detach(), "loss": loss.detach().reshape(1), **{f"grad.{k}": p.grad / loss_scale for k, p in own.items()}}


def as_f32(tensors: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    out = {k: v.float().numpy() for k, v in tensors.items()}
    for k, v in out.items():
        assert np.isfinite(v).all() and np.abs(v).max() > 0, k
    return out


def model_files(folder: str, unet, golden: configs.Golden):
    weights = {k: v.numpy().astype(np.float16) for k, v in unet.state_dict().items()}
    config = {"_class_name": "UNet2DConditionModel", "_diffusers_version": VERSIONS["diffusers"], **{k: v for k, v in unet.config.items() if not k.startswith("_")}}
    return [Text(f"{folder}/unet/config.json", json_text(dict(sorted(config.items())))),
            Tensors(f"{folder}/unet/diffusion_pytorch_model.safetensors", weights, golden.seed)]


def make(name: str):
    folder = f"unet/{name}"
    if name == "demo":
        golden = configs.Golden({}, **configs.DEMO)
        unet, inputs = demo_unet(), photos.training_inputs(golden.seed + 1000, golden.batch)
        files = [Text(f"{folder}/unet.ref", REF + "\n")]
    else:
        golden = configs.GOLDENS[name]
        unet, inputs = random_unet(golden), random_inputs(golden)
        files = model_files(folder, unet, golden)
    lora.add(unet, golden.rank)
    start = lora.draw(unet, np.random.default_rng(golden.seed + 2000), golden.rank, b_std=0.02)
    unet.double()
    lora.load(unet, start)
    reference = expected(unet, inputs)
    report(name, unet, inputs, reference)
    return [*files, Tensors(f"{folder}/lora.safetensors", start, golden.seed), Tensors(f"{folder}/inputs.safetensors", inputs, golden.seed),
            Tensors(f"{folder}/expected.safetensors", as_f32(reference), golden.seed, BARS)]


def distance(got: dict[str, torch.Tensor], reference: dict[str, torch.Tensor], part: str) -> float:
    keys = [k for k in reference if part in k]
    flat = lambda tensors: torch.cat([tensors[k].double().flatten() for k in keys])
    return ((flat(got) - flat(reference)).norm() / flat(reference).norm()).item()


def report(name: str, unet, inputs, reference):
    """How far torch itself is off in f32 and under f16 autocast: for information, so that the bars can be judged."""
    unet.float()
    runs = {"f32": expected(unet, inputs)}
    with torch.autocast("cpu", torch.float16):
        runs["f16 autocast"] = expected(unet, inputs, loss_scale=2**12)
    for run, got in runs.items():
        worst = max(distance(got, reference, k) for k in reference if k.startswith("grad."))
        print(f"  {name}, torch {run}: forward {distance(got, reference, 'noise_pred'):.1e}, dA {distance(got, reference, '.down.'):.1e}, "
              f"dB {distance(got, reference, '.up.'):.1e}, worst gradient {worst:.1e}", flush=True)
    unet.double()
