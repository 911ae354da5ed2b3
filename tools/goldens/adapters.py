"""One LoRA of the narrow Stable Diffusion 1.5 -> files of it in every layout that people have, written by the libraries themselves where they can,
and what each says: up · down of every module by peft or LyCORIS, and the U-Net's output with the whole of LyCORIS's LoCon."""
import os, re, sys
import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.utils import convert_state_dict_to_diffusers, convert_state_dict_to_kohya
from lycoris.config import PRESET
from lycoris.kohya import LycorisNetworkKohya
from peft import LoraConfig, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.numpy import load_file
import configs
from store import GOLDEN, REPO, Tensors

sys.path.insert(0, os.path.join(REPO, "tools/sd15"))
from ldm_layout import unet_key

MODEL, SEED, RANK = "sd15-narrow", 900, 4
BLOCK = "down_blocks.0.attentions.0.transformer_blocks.0"
LINEAR = [f"{BLOCK}.attn1.to_q", f"{BLOCK}.attn1.to_out.0", f"{BLOCK}.attn2.to_k", "mid_block.attentions.0.transformer_blocks.0.attn2.to_v",
          "up_blocks.3.attentions.2.transformer_blocks.0.attn1.to_k"]
# Every kind of module that a LoRA is made for, and both ends of each counted row.
MODULES = [*LINEAR, f"{BLOCK}.ff.net.0.proj", f"{BLOCK}.ff.net.2", "down_blocks.0.attentions.0.proj_in", "up_blocks.3.attentions.2.proj_out", "conv_in", "conv_out",
           "time_embedding.linear_1", "time_embedding.linear_2", "down_blocks.1.resnets.0.conv1", "down_blocks.1.resnets.0.conv_shortcut", "down_blocks.1.resnets.0.time_emb_proj",
           "down_blocks.0.downsamplers.0.conv", "up_blocks.0.upsamplers.0.conv", "up_blocks.1.upsamplers.0.conv", "mid_block.resnets.1.conv2", "up_blocks.0.resnets.2.conv2"]
OWN = ("mixed-ranks", "locon", "locon-tucker")
TEXT = "text_model.encoder.layers.0.self_attn.q_proj"


def narrow_unet():
    golden = configs.GOLDENS[MODEL]
    unet = UNet2DConditionModel(**golden.config)
    weights = load_file(f"{GOLDEN}/unet/{MODEL}/unet/diffusion_pytorch_model.safetensors")
    unet.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in weights.items()})
    return unet.double()


@torch.no_grad()
def fill(parameters: dict[str, torch.nn.Parameter], rng):
    """Numbers that an f16 holds, about as large as those of a trained adapter."""
    for _, p in sorted(parameters.items()):
        x = rng.standard_normal(tuple(p.shape)) / np.sqrt(np.prod(p.shape[1:]))
        p.copy_(torch.from_numpy(x.astype(np.float16).astype(np.float64)))


def by_peft(modules, wrapped=False, **config):
    """A U-Net with peft's layers and the ΔW of each."""
    unet = UNet2DConditionModel(**configs.GOLDENS[MODEL].config)
    settings = LoraConfig(**{"r": RANK, "lora_alpha": RANK, "target_modules": modules, **config})
    model = get_peft_model(unet, settings) if wrapped else unet
    if not wrapped:
        unet.add_adapter(settings)
    fill({k: p for k, p in unet.named_parameters() if "lora_" in k}, np.random.default_rng(SEED))
    deltas = {name: m.get_delta_weight("default").detach() for name, m in unet.named_modules() if hasattr(m, "lora_A")}
    assert sorted(deltas) == sorted(modules)
    return model, deltas


def ldm(name: str) -> str:
    return unet_key(f"{name}.weight", 2, {1, 2, 3}).removesuffix(".weight")


def renamed(tensors, spell, kohya=False) -> dict[str, torch.Tensor]:
    """peft's keys under another program's name for each module, with kohya's names for the parts, alpha = rank."""
    out = {}
    for key, value in tensors.items():
        module, part = re.fullmatch(r"(.+)\.lora_([AB])\.weight", key).groups()
        name = spell(module)
        out[f"{name}.lora_{'down' if part == 'A' else 'up'}.weight"] = value
        out[f"{name}.alpha"] = torch.tensor(float(RANK))
    return out


def every_module_once():
    """LyCORIS's own preset names the time embedding twice, as a class and by its layers, and then refuses to make, or to read, two of one name."""
    LycorisNetworkKohya.apply_preset({**PRESET["full"], "unet_target_name": ["conv_in", "conv_out"]})


def lycoris(**settings):
    """LyCORIS's LoCon over the whole U-Net, as kohya's scripts make one."""
    unet = narrow_unet()
    every_module_once()
    network = LycorisNetworkKohya([], unet, lora_dim=4, alpha=2, conv_lora_dim=2, conv_alpha=1, network_module="locon", **settings)
    network.apply_to([], unet, apply_text_encoder=False, apply_unet=True)
    network.double()
    fill(dict(network.named_parameters()), np.random.default_rng(SEED + 1))
    names = {f"lora_unet_{name.replace('.', '_')}": name for name, _ in unet.named_modules()}
    with torch.no_grad():
        deltas = {names[m.lora_name]: m.get_diff_weight(1.0)[0] for m in network.loras}
    return unet, {k: v.detach() for k, v in network.state_dict().items()}, deltas


@torch.no_grad()
def output(unet) -> torch.Tensor:
    x = load_file(f"{GOLDEN}/unet/{MODEL}/inputs.safetensors")
    return unet(torch.from_numpy(x["sample"]).double(), torch.from_numpy(x["timestep"]), torch.from_numpy(x["encoder_hidden_states"]).double()).sample


def layouts():
    """(name, tensors of the file, ΔW by module) of each."""
    unet, deltas = by_peft(MODULES)
    peft = get_peft_model_state_dict(unet, adapter_name="default")
    attention, attention_deltas = by_peft(LINEAR)
    of_attention = get_peft_model_state_dict(attention, adapter_name="default")
    diffusers = {f"unet.{k}": v for k, v in convert_state_dict_to_diffusers(of_attention).items()}
    text = {f"{TEXT}.lora_A.weight": torch.ones(2, 8), f"{TEXT}.lora_B.weight": torch.ones(8, 2)}
    to_kohya = lambda side, tensors: {f"lora_{side}{k.removeprefix(side)}" if k.startswith(side) else k: v for k, v in convert_state_dict_to_kohya({f"{side}.{k}": v for k, v in tensors.items()}).items()}
    kohya = to_kohya("unet", of_attention)
    yield "kohya", kohya, attention_deltas
    yield "kohya-te1", {**kohya, **convert_state_dict_to_kohya({f"text_encoder.{k}": v for k, v in text.items()})}, attention_deltas
    # diffusers <= 0.20, which no library writes any more.
    old = lambda k: re.sub(r"\.to_(q|k|v|out)(\.0)?\.lora\.", r".processor.to_\1_lora.", k)
    yield "diffusers-old", {old(k): v for k, v in diffusers.items()}, attention_deltas
    yield "diffusers", diffusers, attention_deltas
    yield "diffusers-all", {f"unet.{k}": v for k, v in convert_state_dict_to_diffusers(peft).items()}, deltas
    yield "peft", peft, deltas
    wrapped, wrapped_deltas = by_peft(MODULES, wrapped=True)
    yield "peft-base-model", {k: v for k, v in get_peft_model_state_dict(wrapped).items()}, wrapped_deltas
    yield "peft-default", {k: v for k, v in unet.state_dict().items() if "lora_" in k}, deltas
    yield "ldm-blocks", renamed(peft, lambda m: "lora_unet_" + ldm(m).replace(".", "_")), deltas
    yield "comfyui", renamed(peft, lambda m: "diffusion_model." + ldm(m)), deltas
    # OneTrainer's three: its own, with the text encoder and an embedding beside; dotted diffusers names; kohya's, which are above.
    beside = {"clip_l.text_model.encoder.layers.0.mlp.fc1.lora_down.weight": torch.ones(2, 8), "bundle_emb.sks.clip_l": torch.ones(1, 8)}
    yield "onetrainer-omi", {**renamed(peft, lambda m: "unet." + ldm(m)), **beside}, deltas
    yield "onetrainer", renamed(peft, lambda m: f"lora_unet.{m}"), deltas
    mixed, mixed_deltas = by_peft(MODULES, rank_pattern={"conv_in": 1, "attn1.to_q": 7, "conv1": 3}, alpha_pattern={"conv_in": 1, "attn1.to_q": 7, "conv1": 3})
    yield "mixed-ranks", get_peft_model_state_dict(mixed, adapter_name="default"), mixed_deltas


def small(tensors, deltas, modules) -> tuple[dict, dict]:
    """Only these modules of a file over the whole U-Net."""
    names = {"lora_unet_" + m.replace(".", "_") for m in modules}
    return {k: v for k, v in tensors.items() if k.split(".")[0] in names}, {m: deltas[m] for m in modules}


def make():
    files, expected = [], {}

    def add(name, tensors, deltas):
        half = {k: v.numpy().astype(np.float16) for k, v in tensors.items()}
        files.append(Tensors(f"adapters/{name}.safetensors", half, SEED))
        # Most of them are one adapter under other names: what it says is kept once.
        group = name if name in OWN else "all" if len(deltas) > len(LINEAR) else "attention"
        for m, d in deltas.items():
            said = expected.setdefault(f"{group}/{m}", d.float().numpy())
            assert np.array_equal(said, d.float().numpy()), f"{name}: {m}"

    for layout in layouts():
        add(*layout)
    unet, locon, deltas = lycoris()
    add("locon", locon, {m: deltas[m] for m in MODULES if m in deltas})
    expected["locon/noise_pred"] = output(unet).float().numpy()
    _, tucker, deltas = lycoris(use_tucker=True)
    convolutions = [m for m in MODULES if "conv1" in m or "conv2" in m or "samplers" in m]
    add("locon-tucker", *small(tucker, deltas, convolutions))
    return [*files, Tensors("adapters/expected.safetensors", expected, SEED, lambda key: 1e-3)]
