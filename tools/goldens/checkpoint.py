"""Stable Diffusion's modules -> test/golden/checkpoint/<name>.json: every tensor of a single-file (LDM) checkpoint, and the diffusers tensor that diffusers' own
converter makes of it. `sd15` and `sd21` have the full names and shapes and no data; the narrow ones say the sha256 of every converted tensor in f16, made
of numbers that anyone can make again from a tensor's place in the list (`bits`)."""
import hashlib, json, logging, os, sys
import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel
from store import REPO, Text, VERSIONS

sys.path.insert(0, os.path.join(REPO, "tools/sd15"))
from ldm_layout import OPENCLIP, ema_twins, from_ldm, to_ldm

logging.getLogger("diffusers.loaders.single_file_utils").setLevel(logging.ERROR)  # it warns of EMA twins, which are meant here
SD1 = dict(attention_head_dim=8)
SD2 = lambda widths: dict(use_linear_projection=True, attention_head_dim=[w // 64 for w in widths])
FULL, VAE = [320, 640, 1280, 1280], [128, 256, 512, 512]
#        family, U-Net widths, its attention (going down), layers, VAE widths, its layers, text: width, MLP, layers, vocabulary
MODELS = {
    "sd15": (1, FULL, [1, 1, 1, 0], 2, VAE, 2, (768, 3072, 12, 49408)),
    "sd21": (2, FULL, [1, 1, 1, 0], 2, VAE, 2, (1024, 4096, 24, 49408)),
    "narrow-sd1": (1, [32, 32, 64], [0, 1, 1], 1, [32, 64], 1, (64, 96, 2, 50)),
    "narrow-sd2": (2, [64, 128], [1, 0], 1, [32, 32, 64], 2, (64, 128, 2, 50)),
}


def modules(family, widths, attends, layers, vae_widths, vae_layers, text):
    down = ["CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attends]
    up = ["CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)]
    width, mlp, depth, vocab = text
    levels = len(vae_widths)
    with torch.device("meta"):
        unet = UNet2DConditionModel(block_out_channels=widths, layers_per_block=layers, cross_attention_dim=width, down_block_types=down, up_block_types=up,
                                    **(SD1 if family == 1 else SD2(widths)))
        vae = AutoencoderKL(block_out_channels=vae_widths, layers_per_block=vae_layers, latent_channels=4, down_block_types=["DownEncoderBlock2D"] * levels,
                            up_block_types=["UpDecoderBlock2D"] * levels)
        clip = CLIPTextModel(CLIPTextConfig(vocab_size=vocab, hidden_size=width, intermediate_size=mlp, num_hidden_layers=depth, num_attention_heads=width // 64,
                                            hidden_act="quick_gelu" if family == 1 else "gelu", bos_token_id=0, eos_token_id=1))
    return unet, vae, clip


def bits(index: int, count: int) -> np.ndarray:
    """32 bits for each element: a hash of its number and its tensor's (MurmurHash3's finaliser), made into an f32 from 2^-30 to 2^17: f16's subnormals, every
    rounding, and what passes its range; every fourth lies exactly between two halves."""
    with np.errstate(over="ignore"):
        h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(index) * np.uint32(0x85EBCA77)
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
        h ^= h >> np.uint32(16)
    exponent = np.uint32(97) + (h >> np.uint32(23) & np.uint32(0xFF)) % np.uint32(48)
    mantissa = h & np.uint32(0x7FFFFF)
    mantissa = np.where(h & np.uint32(3), mantissa, mantissa & np.uint32(0x7FE000) | np.uint32(0x1000))
    return (h & np.uint32(0x80000000)) | exponent << np.uint32(23) | mantissa


DTYPES = ("F32", "F16", "BF16")


def values(index: int, shape, dtype: str) -> torch.Tensor:
    """A tensor of the checkpoint. F16: the bits' upper half without infinities; BF16: the bits' upper half."""
    b = bits(index, int(np.prod(shape)))
    if dtype == "F32":
        flat = torch.from_numpy(b.view(np.float32))
    elif dtype == "BF16":
        flat = torch.from_numpy((b >> np.uint32(16)).astype(np.uint16).view(np.int16)).view(torch.bfloat16)
    else:
        upper = (b >> np.uint32(16)).astype(np.uint16)
        flat = torch.from_numpy(np.where((upper & 0x7C00) == 0x7C00, upper & 0xBFFF, upper).view(np.float16))
    return flat.reshape(shape)


def names_only(ldm: dict, unet, vae, clip):
    """Each tensor stands for itself as one number, an OpenCLIP in_proj as three: where the converter puts them tells what it made of which."""
    keys, tokens = list(ldm), {}
    for i, key in enumerate(keys):
        parts = 3 if "in_proj" in key else 1
        tokens[key] = (4 * i + torch.arange(parts)).reshape(parts, *[1] * (ldm[key].ndim - 1))
    tokens[OPENCLIP + "text_projection"] = torch.zeros(1, 1)  # the converter takes the width from it
    got = from_ldm(tokens, dict(unet.config), dict(vae.config), clip)
    for component, tensors in zip(("unet", "vae", "text_encoder"), got):
        for key, value in tensors.items():
            if key != "text_projection.weight":
                source = int(value.flatten()[0])
                yield component, key, keys[source // 4], source % 4 if "in_proj" in keys[source // 4] else None


def make_one(name: str) -> Text:
    family, unet_widths, *_ = MODELS[name]
    unet, vae, clip = modules(*MODELS[name])
    state = [{k: v for k, v in m.state_dict().items() if not k.endswith("position_ids")} for m in (unet, vae, clip)]
    ldm = to_ldm(*state, openclip=family == 2)
    narrow = name.startswith("narrow")
    all_keys = {**ldm, **(ema_twins(ldm) if narrow else {})}
    tensors = {key: [DTYPES[i % 3] if narrow else "F16", list(value.shape)] for i, (key, value) in enumerate(all_keys.items())}
    made = {component: {} for component in ("unet", "vae", "text_encoder")}
    for component, key, source, part in names_only(ldm, unet, vae, clip):
        made[component][key] = [source] if part is None else [source, part]
    ema = {}
    if narrow:
        real = {key: values(i, shape, dtype) for i, (key, (dtype, shape)) in enumerate(tensors.items())}
        sha = lambda value: hashlib.sha256(value.half().contiguous().numpy().tobytes()).hexdigest()[:32]
        for component, converted in zip(made, from_ldm(real, dict(unet.config), dict(vae.config), clip)):
            assert converted.keys() == made[component].keys()
            for key, value in converted.items():
                made[component][key] = [sha(value), list(value.shape), *made[component][key]]
        from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
        # extract_ema wants more than a hundred twins, which a narrow model has
        twins = convert_ldm_unet_checkpoint(real, dict(unet.config), extract_ema=True)
        ema = {key: sha(value) for key, value in twins.items()}
        assert ema["conv_in.weight"] != made["unet"]["conv_in.weight"][0]
    else:
        for component, module in zip(made, (unet, vae, clip)):
            shapes = {(("text_model." + k.removeprefix("text_model.")) if component == "text_encoder" else k): list(v.shape) for k, v in module.state_dict().items()}
            for key, row in made[component].items():
                row.insert(0, shapes[key])
    config = {k: unet.config[k] for k in ("attention_head_dim", "block_out_channels", "cross_attention_dim", "down_block_types", "layers_per_block", "up_block_types",
                                          "use_linear_projection", "norm_num_groups", "in_channels", "out_channels", "sample_size")}
    row = lambda pairs: "{\n" + ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in pairs.items()) + "\n}"
    body = {"made_with": VERSIONS, "unet_config": config}
    parts = [f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in body.items()]
    parts += [f'"ldm":{row(tensors)}', *(f'"{component}":{row(made[component])}' for component in made), f'"ema":{row(ema)}']
    return Text(f"checkpoint/{name}.json", "{\n" + ",\n".join(parts) + "\n}\n")


def make():
    return [make_one(name) for name in MODELS]
