"""The demo U-Net, a LoRA and ten steps' inputs -> diffusers + peft's losses, gradient norms and the LoRA after, in f64."""
from contextlib import nullcontext
import numpy as np
import torch
import torch.nn.functional as F
import lora, photos, unet
from store import Tensors, Text, json_text

STEPS, RANK, SEED = 10, 4, 300
B_STD = {"zero-b": 0.0, "random-b": 0.02}
# The decay is large and the clip is half the first norm, so that leaving either out shows within ten steps.
SETTINGS = dict(learning_rate=1e-3, weight_decay=1.0, beta1=0.9, beta2=0.999, epsilon=1e-8)
# lora_after: a tenth of the bar on the *update*, which is about a hundredth of the parameters themselves; losses: the bar.
BARS = lambda key: 3e-4 if key.startswith("lora_after.") else 1e-4


def train(net, start, inputs, clip, scale=1.0, context=nullcontext):
    """Ten AdamW steps. clip None: only the first gradient norm is wanted. `context` is entered anew for each forward: autocast keeps a cast
    weight for as long as it is entered."""
    lora.load(net, start)
    own, dtype = lora.parameters(net), next(net.parameters()).dtype
    optimizer = torch.optim.AdamW(own.values(), lr=SETTINGS["learning_rate"], betas=(SETTINGS["beta1"], SETTINGS["beta2"]), eps=SETTINGS["epsilon"],
                                  weight_decay=SETTINGS["weight_decay"])
    losses, norms = [], []
    for step in range(STEPS):
        x = {k: torch.from_numpy(v[step:step + 1]).to(torch.long if k == "timestep" else dtype) for k, v in inputs.items()}
        with context():
            predicted = net(x["sample"], x["timestep"], x["encoder_hidden_states"]).sample
        loss = F.mse_loss(predicted.to(dtype), x["target"])
        optimizer.zero_grad()
        (loss * scale).backward()
        for p in own.values():
            p.grad /= scale
        norms.append(torch.nn.utils.clip_grad_norm_(own.values(), clip or 1.0).item())
        losses.append(loss.item())
        if clip is None:
            break
        optimizer.step()
    return np.array(losses), np.array(norms), {k: p.detach().double().numpy().copy() for k, p in own.items()}


def make(name: str):
    folder, inputs = f"training/{name}", photos.training_inputs(SEED, STEPS)
    net = unet.demo_unet()
    lora.add(net, RANK)
    net.double()
    start = lora.draw(net, np.random.default_rng(SEED + 1), RANK, B_STD[name])
    clip = float(f"{train(net, start, inputs, None)[1][0] / 2:.4g}")  # rounded: the same number on any machine
    losses, norms, after = train(net, start, inputs, clip)
    report(name, net, start, inputs, clip, losses, after)
    f32 = lambda x: x.astype(np.float32)
    expected = {"losses": f32(losses), "gradient_norms": f32(norms), **{f"lora_after.{k}": f32(v) for k, v in after.items()}}
    return [Text(f"{folder}/unet.ref", unet.REF + "\n"), Text(f"{folder}/settings.json", json_text(dict(steps=STEPS, rank=RANK, **SETTINGS, clip=clip))),
            Tensors(f"{folder}/lora.safetensors", start, SEED), Tensors(f"{folder}/inputs.safetensors", inputs, SEED),
            Tensors(f"{folder}/expected.safetensors", expected, SEED, BARS)]


def report(name, net, start, inputs, clip, losses, after):
    """How far torch itself is off in f32 and under f16 autocast: for information, so that the bars can be judged."""
    net.float()
    runs = {"f32": train(net, start, inputs, clip),
            "f16 autocast": train(net, start, inputs, clip, scale=2.0**12, context=lambda: torch.autocast("cpu", torch.float16))}
    update = lambda values, part: np.concatenate([(values[k] - start[k]).ravel() for k in start if part in k])
    for run, (l, _, got) in runs.items():
        off = {part: np.linalg.norm(update(got, part) - update(after, part)) / np.linalg.norm(update(after, part)) for part in (".down.", ".up.")}
        print(f"  {name}, torch {run}: losses {np.max(np.abs(l / losses - 1)):.1e}, update of A {off['.down.']:.1e}, of B {off['.up.']:.1e}", flush=True)
    print(f"  {name}: losses {np.round(losses, 4).tolist()}, clip {clip}")
