"""A LoCon over every linear layer and convolution, read by us and written again -> does LyCORIS take all of it, and is the U-Net's output what it was?"""
import copy, importlib.util, os, sys
import torch
from lycoris.kohya import create_network_from_weights
from safetensors.torch import load_file

ROOT = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path.insert(0, f"{ROOT}/tools/goldens")
from checks import near

# By its path: this folder has an adapters.py too.
spec = importlib.util.spec_from_file_location("golden_adapters", f"{ROOT}/tools/goldens/adapters.py")
golden = importlib.util.module_from_spec(spec)
spec.loader.exec_module(golden)


@torch.no_grad()
def output(unet, path: str, run) -> torch.Tensor:
    """`run(unet)` with the file merged into a copy by LyCORIS. Raises when it left a key over."""
    unet = copy.deepcopy(unet)
    tensors = load_file(path)
    golden.every_module_once()
    network, _ = create_network_from_weights(1.0, path, None, None, unet)
    names = {lora.lora_name for lora in network.unet_loras}
    left = sorted(key for key in tensors if key.split(".")[0] not in names)
    assert not left, f"LyCORIS found no place for {left[:3]}"
    dtype = next(unet.parameters()).dtype
    for lora in network.unet_loras:
        lora.to(dtype)
        lora.merge_to(1.0)
    return run(unet)


def check(checks, work: str, ours, hashes):
    out = f"{work}/locon"
    checks.run("LoCon: we read it and write it again", lambda: ours("rewrite-locon.ts", "--out", out))
    wanted = torch.from_numpy(golden.load_file(f"{golden.GOLDEN}/adapters/expected.safetensors")["locon/noise_pred"])
    for numbers, bar in (("F16", 1e-3), ("BF16", 1e-2), ("F32", 1e-5)):  # bf16 rounds up and down by as much as 2e-3 each, and this adapter changes the output by a half
        path = f"{out}/{numbers}.safetensors"
        drawn = lambda: near(output(golden.narrow_unet(), path, golden.output).float(), wanted, bar, "its output")
        checks.run(f"LoCon, {numbers}: LyCORIS applies our file whole, and draws the same", drawn)
        checks.run(f"LoCon, {numbers}: its hashes are sd-scripts'", lambda: hashes(path))
