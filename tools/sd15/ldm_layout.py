"""diffusers' tensors of a Stable Diffusion 1 or 2 -> the names and shapes of one single-file (LDM) checkpoint.

    python tools/sd15/ldm_layout.py --verify      diffusers' own converter must give back every tensor, bit for bit, of small models of both families"""
import argparse, re, sys

UNET, VAE, CLIP, OPENCLIP = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.", "cond_stage_model.model."
RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
ENDS = {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2", "conv_norm_out": "out.0", "conv_out": "out.2"}
VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out", "query": "q", "key": "k", "value": "v", "proj_attn": "proj_out"}
OPENCLIP_LAYER = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj", "self_attn.out_proj": "attn.out_proj"}


def unet_key(key: str, layers: int, attends: set[int]) -> str:
    """`layers`: resnets of a down block; `attends`: the up blocks that have attention (their upsampler comes third, else second)."""
    module, _, kind = key.rpartition(".")
    if module in ENDS:
        return f"{ENDS[module]}.{kind}"
    side, rest = module.split(".", 1)
    if side == "mid_block":
        what, index, leaf = rest.split(".", 2)
        return f"middle_block.1.{leaf}.{kind}" if what == "attentions" else f"middle_block.{2 * int(index)}.{RESNET[leaf]}.{kind}"
    block, what, index, leaf = rest.split(".", 3)
    block, index = int(block), int(index)
    if side == "down_blocks":
        at = 1 + block * (layers + 1) + (layers if what == "downsamplers" else index)
        part = {"resnets": lambda: f"0.{RESNET[leaf]}", "attentions": lambda: f"1.{leaf}", "downsamplers": lambda: "0.op"}[what]()
        return f"input_blocks.{at}.{part}.{kind}"
    at = block * (layers + 1) + (layers if what == "upsamplers" else index)
    part = {"resnets": lambda: f"0.{RESNET[leaf]}", "attentions": lambda: f"1.{leaf}", "upsamplers": lambda: f"{2 if block in attends else 1}.conv"}[what]()
    return f"output_blocks.{at}.{part}.{kind}"


def vae_key(key: str, levels: int) -> str:
    if key.startswith(("quant_conv", "post_quant_conv")):
        return key
    half, rest = key.split(".", 1)
    module, _, kind = rest.rpartition(".")
    if module in ("conv_in", "conv_out"):
        return key
    if module == "conv_norm_out":
        return f"{half}.norm_out.{kind}"
    block, rest = module.split(".", 1)
    if block == "mid_block":
        what, index, leaf = rest.split(".", 2)
        return f"{half}.mid.attn_1.{VAE_ATTENTION[leaf]}.{kind}" if what == "attentions" else f"{half}.mid.block_{int(index) + 1}.{leaf}.{kind}"
    level, what, index, leaf = rest.split(".", 3)
    leaf = leaf.replace("conv_shortcut", "nin_shortcut")
    side, level = ("down", int(level)) if block == "down_blocks" else ("up", levels - 1 - int(level))
    return f"{half}.{side}.{level}.block.{index}.{leaf}.{kind}" if what == "resnets" else f"{half}.{side}.{level}.{side}sample.{leaf}.{kind}"


def text_to_openclip(text: dict) -> dict:
    import torch

    out, layers = {}, 1 + max(int(key.split(".")[3]) for key in text if ".layers." in key)
    out["token_embedding.weight"] = text["text_model.embeddings.token_embedding.weight"]
    out["positional_embedding"] = text["text_model.embeddings.position_embedding.weight"]
    for kind in ("weight", "bias"):
        out[f"ln_final.{kind}"] = text[f"text_model.final_layer_norm.{kind}"]
        for i in range(layers):
            old, new = f"text_model.encoder.layers.{i}", f"transformer.resblocks.{i}"
            out[f"{new}.attn.in_proj_{kind}"] = torch.cat([text[f"{old}.self_attn.{p}_proj.{kind}"] for p in "qkv"])
            for a, b in OPENCLIP_LAYER.items():
                out[f"{new}.{b}.{kind}"] = text[f"{old}.{a}.{kind}"]
    return {OPENCLIP + key: value for key, value in out.items()}


def to_ldm(unet_sd: dict, vae_sd: dict, text_sd: dict, openclip: bool = False) -> dict:
    """State dicts by diffusers' names -> one by LDM's. The VAE's attention becomes 1x1 convolutions; nothing else changes its shape. `openclip`: Stable Diffusion 2's text encoder."""
    layers = sum(bool(re.fullmatch(r"down_blocks\.0\.resnets\.\d+\.conv1\.weight", key)) for key in unet_sd)
    attends = {int(key.split(".")[1]) for key in unet_sd if key.startswith("up_blocks.") and ".attentions." in key}
    levels = sum(bool(re.fullmatch(r"encoder\.down_blocks\.\d+\.resnets\.0\.conv1\.weight", key)) for key in vae_sd)
    text = {"text_model." + key.removeprefix("text_model."): value for key, value in text_sd.items() if not key.endswith("position_ids")}
    out = {UNET + unet_key(key, layers, attends): value for key, value in unet_sd.items()}
    for key, value in vae_sd.items():
        matrix = ".attentions." in key and value.ndim == 2
        out[VAE + vae_key(key, levels)] = value[..., None, None] if matrix else value
    out |= text_to_openclip(text) if openclip else {CLIP + key: value for key, value in text.items()}
    return out


def ema_twins(ldm: dict) -> dict:
    """The averaged twins a training run saves beside its U-Net, under names without dots."""
    return {"model_ema." + key.removeprefix("model.").replace(".", ""): value for key, value in ldm.items() if key.startswith(UNET)}


def from_ldm(ldm: dict, unet_config: dict, vae_config: dict, text_model=None) -> tuple[dict, dict, dict]:
    """The reference: diffusers' converters. -> (unet, vae, text); text as CLIPTextModel names it, with `text_model.`."""
    from diffusers.loaders import single_file_utils as sf

    ldm = dict(ldm)
    text = sf.convert_open_clip_checkpoint(text_model, ldm, OPENCLIP) if OPENCLIP + "ln_final.weight" in ldm else sf.convert_ldm_clip_checkpoint(ldm)
    return sf.convert_ldm_unet_checkpoint(ldm, unet_config), sf.convert_ldm_vae_checkpoint(ldm, vae_config), text


def small(family: int):
    """A small random Stable Diffusion 1 or 2 -> its three modules (narrow, or with SD's own widths on torch's meta device)."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(family)
    cross, widths = 64, [32, 64, 96, 96]
    two = dict(use_linear_projection=True, attention_head_dim=[1, 2, 3, 3]) if family == 2 else dict(attention_head_dim=8)
    unet = UNet2DConditionModel(block_out_channels=widths, layers_per_block=2, cross_attention_dim=cross, **two)
    vae = AutoencoderKL(block_out_channels=widths, layers_per_block=2, latent_channels=4, down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4)
    text = CLIPTextModel(CLIPTextConfig(vocab_size=100, hidden_size=cross, intermediate_size=4 * cross, num_hidden_layers=3, num_attention_heads=1,
                                        hidden_act="gelu" if family == 2 else "quick_gelu"))
    return unet, vae, text


def verify() -> int:
    import torch

    failed = 0
    for family in (1, 2):
        unet, vae, text = small(family)
        want = [{k: v for k, v in m.state_dict().items() if not k.endswith("position_ids")} for m in (unet, vae, text)]
        ldm = to_ldm(*want, openclip=family == 2)
        got = from_ldm({**ldm, **ema_twins(ldm)}, dict(unet.config), dict(vae.config), text)
        want[2] = {"text_model." + key.removeprefix("text_model."): value for key, value in want[2].items()}
        for name, a, b in zip(("unet", "vae", "text"), want, got):
            wrong = sorted(a.keys() ^ b.keys()) + [key for key in a.keys() & b.keys() if not torch.equal(a[key], b[key])]
            print(f"SD {family} {name}: {len(a)} tensors, " + (f"✗ {len(wrong)} differ, the first is {wrong[0]}" if wrong else "✓ all the same"))
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--verify", action="store_true", required=True)
    p.parse_args()
    sys.exit(verify())
