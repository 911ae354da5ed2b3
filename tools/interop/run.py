"""Adapter files by our code -> do A1111's rules, diffusers and peft take them, and do we take theirs? Closes with `N passed, N failed`.

    npm run test:interop -- [--adapters DIR] [--model DIR]

Without --adapters: files that our writer makes of the demo golden's LoRA (alpha = rank, and half of it), and demo-output/ if it is there."""
import argparse, hashlib, math, os, subprocess, sys, tempfile, warnings
import torch
from diffusers.utils import convert_state_dict_to_diffusers
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(f"{HERE}/../..")
sys.path.insert(0, os.path.dirname(HERE))
import adapters as a
import locon
from checks import Checks, near

KOHYA, DIFFUSERS = "adapter.safetensors", "adapter.diffusers.safetensors"
AGREE = 1e-3  # f16 rounding of the kohya file moves the output by some 1e-5
# What kohya's own --no_metadata still writes, and the title and trigger words that web UIs show.
METADATA = ["ss_v2", "ss_base_model_version", "ss_network_module", "ss_network_dim", "ss_network_alpha", "ss_network_args", "ss_output_name", "modelspec.sai_model_spec",
            "modelspec.architecture", "modelspec.implementation", "modelspec.title", "modelspec.prediction_type", "modelspec.resolution", "modelspec.trigger_phrase"]


def ours(script: str, *args: str):
    done = subprocess.run(["node", "tools/run.mjs", f"tools/interop/{script}", "--", *args], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{script} failed: {done.stdout}{done.stderr}"


def sound(tensors: dict[str, torch.Tensor], up: str):
    """Finite everywhere, and no `up` all zero: such a module was never trained."""
    for key, x in tensors.items():
        assert torch.isfinite(x).all(), f"{key} is not finite"
        assert up not in key or x.abs().max() > 0, f"{key} is all zero"


def kohya_file(path: str, unet) -> str:
    tensors, metadata = a.read(path)
    wanted, ranks = {}, set()
    for name, module in a.adapted_modules(unet).items():
        key = "lora_unet_" + name.replace(".", "_")
        down = tensors.get(f"{key}.lora_down.weight")
        assert down is not None, f"{key}.lora_down.weight is missing"
        rank = down.shape[0]
        ranks.add(rank)
        wanted |= {f"{key}.lora_down.weight": (rank, module.in_features), f"{key}.lora_up.weight": (module.out_features, rank), f"{key}.alpha": ()}
    assert tensors.keys() == wanted.keys(), f"keys that are not the U-Net's attention: {sorted(tensors.keys() ^ wanted.keys())[:5]}"
    for key, shape in wanted.items():
        assert tuple(tensors[key].shape) == shape, f"{key} has shape {tuple(tensors[key].shape)}, expected {shape}"
        assert tensors[key].dtype == torch.float16, f"{key} is {tensors[key].dtype}, expected float16"
    sound(tensors, ".lora_up.")
    missing = [key for key in METADATA if not metadata.get(key)]
    assert not missing, f"metadata without {missing}"
    assert len(ranks) == 1 and metadata["ss_network_dim"] == str(*ranks), f"ss_network_dim {metadata['ss_network_dim']}, ranks {ranks}"
    alphas = {x.item() for key, x in tensors.items() if key.endswith(".alpha")}
    assert len(alphas) == 1 and math.isclose(float(metadata["ss_network_alpha"]), *alphas, rel_tol=1e-3), f"ss_network_alpha {metadata['ss_network_alpha']}, alphas {alphas}"
    assert metadata["ss_network_module"] == "networks.lora", metadata["ss_network_module"]
    for word in metadata["modelspec.trigger_phrase"].split():
        assert word.lower() in metadata["modelspec.title"], f"title {metadata['modelspec.title']!r} without the trigger word {word!r}"
    return f"{len(wanted) // 3} modules, rank {metadata['ss_network_dim']}, alpha {metadata['ss_network_alpha']}, “{metadata['modelspec.trigger_phrase']}”"


def diffusers_file(path: str, unet) -> str:
    tensors, metadata = a.read(path)
    modules = a.adapted_modules(unet)
    wanted = {f"unet.{name}.lora.{part}.weight" for name in modules for part in ("down", "up")}
    assert tensors.keys() == wanted, f"keys that are not the U-Net's attention: {sorted(tensors.keys() ^ wanted)[:5]}"
    for name, module in modules.items():
        down, up = tensors[f"unet.{name}.lora.down.weight"], tensors[f"unet.{name}.lora.up.weight"]
        rank = down.shape[0]
        assert tuple(down.shape) == (rank, module.in_features) and tuple(up.shape) == (module.out_features, rank), f"{name}: {tuple(down.shape)} and {tuple(up.shape)}"
        assert down.dtype == up.dtype == torch.float32, f"{name} is {down.dtype} and {up.dtype}, expected float32"
    sound(tensors, ".up.")
    # The model it was trained on, as in kohya's file; nothing of a layout that it does not have (alpha is folded into `up`).
    missing = [key for key in ["ss_base_model_version", "ss_sd_model_name", "modelspec.architecture"] if not metadata.get(key)]
    assert metadata.get("format") == "pt" and not missing, f"metadata {metadata}"
    assert not any(key.startswith("ss_network_") for key in metadata), f"metadata {metadata}"
    return f"{len(modules)} modules, of {metadata['ss_sd_model_name']}"


def hashes(path: str) -> str:
    """As sd-scripts' networks compute them: of the file that safetensors makes of the tensors and only the ss_ entries."""
    tensors, metadata = a.read(path)
    made = save(tensors, {k: v for k, v in metadata.items() if k.startswith("ss_")})
    data = 8 + int.from_bytes(made[:8], "little")
    whole, legacy = hashlib.sha256(made[data:]).hexdigest(), hashlib.sha256(made[0x100000:0x110000]).hexdigest()[:8]
    assert metadata["sshs_model_hash"] == whole, f"sshs_model_hash {metadata['sshs_model_hash']}, expected {whole}"
    assert metadata["sshs_legacy_hash"] == legacy, f"sshs_legacy_hash {metadata['sshs_legacy_hash']}, expected {legacy}"
    return f"{whole[:8]}…, {legacy}"


def spelled_by_peft(path: str, out: str):
    """diffusers' file with the names that peft and newer trainers write."""
    tensors, _ = a.read(path)
    rename = lambda key: key.replace(".lora.down.weight", ".lora_A.weight").replace(".lora.up.weight", ".lora_B.weight")
    save_file({rename(k): v for k, v in tensors.items()}, out, {"format": "pt"})


def check_folder(checks: Checks, folder: str, name: str, pipe, work: str, read_back: bool):
    kohya, diffusers = f"{folder}/{KOHYA}", f"{folder}/{DIFFUSERS}"
    pipe.unload_lora_weights()
    checks.run(f"{name}: {KOHYA} is what kohya and A1111 expect", lambda: kohya_file(kohya, pipe.unet))
    checks.run(f"{name}: {DIFFUSERS} is what diffusers writes", lambda: diffusers_file(diffusers, pipe.unet))
    base, out = a.output(pipe.unet), {}

    def loads(key, path):
        a.load(pipe, path)
        out[key] = a.output(pipe.unet)
        pipe.unload_lora_weights()
        away = ((out[key] - base).norm() / base.norm()).item()
        # An adapter that was dropped or zeroed on the way changes nothing; the bar is twice what two right readings may differ by.
        assert away > 2 * AGREE, f"the U-Net's output is only {away:.1e} away from the base's"
        return f"moves the output by {away:.1e}"

    variant = f"{work}/peft.safetensors"
    checks.run(f"{name}: diffusers loads {KOHYA}", lambda: loads("kohya", kohya))
    checks.run(f"{name}: diffusers loads {DIFFUSERS}", lambda: loads("diffusers", diffusers))
    checks.run(f"{name}: its hashes are sd-scripts'", lambda: hashes(kohya))
    checks.run(f"{name}: LyCORIS applies {KOHYA} whole, and draws the same", lambda: near(locon.output(pipe.unet, kohya, a.output), out["kohya"], AGREE, "its output"))
    checks.run(f"{name}: both draw the same", lambda: near(out["kohya"], out["diffusers"], AGREE, "the kohya file's output"))
    checks.run(f"{name}: merged as A1111 does, the same", lambda: near(a.output(a.merged(pipe.unet, a.read(kohya)[0])), out["kohya"], AGREE, "the merged output"))
    checks.run(f"{name}: diffusers loads it spelled lora_A / lora_B", lambda: (spelled_by_peft(diffusers, variant), loads("peft", variant))[1])
    checks.run(f"{name}: and draws the same", lambda: near(out["peft"], out["diffusers"], 1e-6, "its output"))
    if read_back:
        checks.run(f"{name}: diffusers saves it anew", lambda: saved_by_diffusers(pipe, kohya, f"{work}/saved.safetensors"))
        checks.run(f"{name}: we read every spelling as the same adapter", lambda: read_by_us({kohya: AGREE, diffusers: 1e-6, variant: 1e-6, f"{work}/saved.safetensors": AGREE},
                                                                                             diffusers, work))


def saved_by_diffusers(pipe, kohya: str, out: str) -> str:
    """Loaded and saved again by today's diffusers, which keeps alpha in a JSON string of the metadata where it is not the rank."""
    a.load(pipe, kohya)
    pipe.save_lora_weights(os.path.dirname(out), unet_lora_layers=convert_state_dict_to_diffusers(get_peft_model_state_dict(pipe.unet, adapter_name="read")),
                           weight_name=os.path.basename(out), unet_lora_adapter_metadata=pipe.unet.peft_config["read"].to_dict())
    pipe.unload_lora_weights()
    config = a.lora_config(a.read(out)[1])
    return f"with alpha {config['unet.lora_alpha']} in its metadata"


def read_by_us(files: dict[str, float], reference: str, work: str) -> str:
    outs = [f"{work}/read-{i}.safetensors" for i in range(len(files))]
    ours("read-adapter.ts", *(x for pair in zip(files, outs) for x in pair))
    wanted, seen = a.read(reference)[0], []
    for (path, bar), out in zip(files.items(), outs):
        got = a.read(out)[0]
        assert got.keys() == wanted.keys(), f"{path}: {sorted(got.keys() ^ wanted.keys())[:5]}"
        product = lambda t, m: t[f"unet.{m}.lora.up.weight"] @ t[f"unet.{m}.lora.down.weight"]
        flat = lambda t: torch.cat([product(t, m).flatten() for m in sorted(a.diffusers_modules(wanted))])
        seen.append(near(flat(got), flat(wanted), bar, os.path.basename(path)))
    return ", ".join(seen)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--adapters", help=f"a folder with {KOHYA} and {DIFFUSERS}")
    p.add_argument("--model", default=f"{ROOT}/public/models/demo")
    given = p.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    checks, pipe = Checks(), a.pipeline(given.model)
    with tempfile.TemporaryDirectory() as work:
        if given.adapters:
            check_folder(checks, given.adapters, given.adapters, pipe, work, read_back=False)
        else:
            for alpha in (4, 2):  # the golden's rank is 4: a file that loses its alpha draws twice too strong at 2
                folder = f"{work}/alpha-{alpha}"
                checks.run(f"alpha {alpha}: our writer runs", lambda: ours("write-adapters.ts", "--out", folder, "--alpha", str(alpha)))
                if os.path.exists(f"{folder}/{KOHYA}"):
                    check_folder(checks, folder, f"alpha {alpha}", pipe, work, read_back=True)
            locon.check(checks, work, ours, hashes)
            if os.path.exists(f"{ROOT}/demo-output/{KOHYA}"):
                check_folder(checks, f"{ROOT}/demo-output", "demo-output", pipe, work, read_back=False)
    sys.exit(checks.close())


if __name__ == "__main__":
    main()
