"""U-Net configs -> forward FLOPs as torch's FlopCounterMode counts them (classic AttnProcessor, no adapter), on the meta device; and Stable
Diffusion 1.5's own config.json, so that its plan can be made without its weights."""
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch.utils.flop_counter import FlopCounterMode
import configs
from store import DEMO, Text, json_text

CROSS, PLAIN = ["CrossAttn{}Block2D"] * 3, ["{}Block2D"]
SD15 = {
    "_class_name": "UNet2DConditionModel", "_diffusers_version": "0.6.0", "act_fn": "silu", "attention_head_dim": 8, "block_out_channels": [320, 640, 1280, 1280],
    "center_input_sample": False, "cross_attention_dim": 768, "down_block_types": [name.format("Down") for name in CROSS + PLAIN], "downsample_padding": 1,
    "flip_sin_to_cos": True, "freq_shift": 0, "in_channels": 4, "layers_per_block": 2, "mid_block_scale_factor": 1, "norm_eps": 1e-05, "norm_num_groups": 32,
    "out_channels": 4, "sample_size": 64, "up_block_types": [name.format("Up") for name in PLAIN + CROSS],
}
TOKENS = 77


def forward_flops(config: dict, batch: int, height: int, width: int) -> int:
    with torch.device("meta"):
        net = UNet2DConditionModel.from_config(config)
        net.set_attn_processor(AttnProcessor())  # baddbmm and bmm, which the counter sees
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net(torch.empty(batch, 4, height, width), torch.zeros(batch, dtype=torch.long), torch.empty(batch, TOKENS, net.config.cross_attention_dim))
    return counter.get_total_flops()


def make():
    demo = UNet2DConditionModel.load_config(f"{DEMO}/unet")
    cases = {"demo": ("public/models/demo/unet/config.json", demo, configs.DEMO["batch"], configs.DEMO["height"], configs.DEMO["width"]),
             **{name: (f"test/golden/unet/{name}/unet/config.json", g.config, g.batch, g.height, g.width) for name, g in configs.GOLDENS.items()},
             "sd15": ("test/golden/configs/sd15-unet.json", SD15, 1, 64, 64)}
    table = {name: dict(config=path, batch=batch, height=height, width=width, tokens=TOKENS, forward=forward_flops(config, batch, height, width))
             for name, (path, config, batch, height, width) in cases.items()}
    return [Text("configs/sd15-unet.json", json_text(SD15)), Text("unet/flops.json", json_text(table))]
