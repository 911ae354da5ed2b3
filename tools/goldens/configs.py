"""The U-Nets of the goldens: name -> diffusers config, batch, latent size, rank and seed."""
from dataclasses import dataclass, field

CROSS_DOWN, DOWN, CROSS_UP, UP = "CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"


@dataclass(frozen=True)
class Golden:
    config: dict = field(hash=False)
    batch: int
    height: int  # latent pixels
    width: int
    rank: int
    seed: int


def config(**keys) -> dict:
    return dict(in_channels=4, out_channels=4, **keys)


GOLDENS = {
    # 2 layers per block, 4 levels, linear projections, heads per level: what SD 2.x has, with norm groups of 2, 3, 5 and 6 channels.
    "four-levels": Golden(config(
        sample_size=16, block_out_channels=[16, 24, 40, 48], layers_per_block=2, norm_num_groups=8, cross_attention_dim=48, attention_head_dim=[2, 3, 5, 6],
        use_linear_projection=True, down_block_types=[CROSS_DOWN, CROSS_DOWN, CROSS_DOWN, DOWN], up_block_types=[UP, CROSS_UP, CROSS_UP, CROSS_UP]),
        batch=1, height=16, width=16, rank=4, seed=101),
    # Hardly anything divides by 8: head dims 9, 12 and 15, groups of 3, 4 and 5; 11 x 14 -> 6 x 7 -> 3 x 4, so the way up must be told its sizes.
    "odd": Golden(config(
        sample_size=[11, 14], block_out_channels=[36, 48, 60], layers_per_block=1, norm_num_groups=12, cross_attention_dim=20, attention_head_dim=4,
        down_block_types=[CROSS_DOWN, CROSS_DOWN, DOWN], up_block_types=[UP, CROSS_UP, CROSS_UP]), batch=2, height=11, width=14, rank=3, seed=102),
    # Two levels, attention only on the lower one, heads as a list, rank 1.
    "two-levels": Golden(config(
        sample_size=16, block_out_channels=[28, 60], layers_per_block=1, norm_num_groups=4, cross_attention_dim=40, attention_head_dim=[2, 5],
        down_block_types=[DOWN, CROSS_DOWN], up_block_types=[CROSS_UP, UP]), batch=1, height=16, width=12, rank=1, seed=103),
    # Stable Diffusion 1.5, block by block, only narrower: 8 heads everywhere, 1 x 1 projections, three levels with attention and one without.
    "sd15-narrow": Golden(config(
        sample_size=16, block_out_channels=[16, 24, 40, 40], layers_per_block=2, norm_num_groups=8, cross_attention_dim=32, attention_head_dim=8,
        down_block_types=[CROSS_DOWN, CROSS_DOWN, CROSS_DOWN, DOWN], up_block_types=[UP, CROSS_UP, CROSS_UP, CROSS_UP]),
        batch=1, height=16, width=16, rank=4, seed=104),
    # Odd widths, an odd text width, odd token counts (13 x 9, 7 x 5) and a sin/cos embedding that diffusers pads with a zero: f16 cannot be stored in pairs along any row.
    "odd-widths": Golden(config(
        sample_size=[13, 9], block_out_channels=[21, 35], layers_per_block=1, norm_num_groups=7, cross_attention_dim=21, attention_head_dim=[3, 5],
        down_block_types=[CROSS_DOWN, CROSS_DOWN], up_block_types=[CROSS_UP, CROSS_UP]), batch=1, height=13, width=9, rank=5, seed=105),
}
DEMO = dict(batch=1, height=16, width=16, rank=4, seed=100)
