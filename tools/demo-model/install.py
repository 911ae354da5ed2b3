"""A diffusers folder MODEL (and a folder of sample sets) -> public/models/demo and public/samples, whole or not at all, and src/storage/demo-bytes.ts.

    python tools/demo-model/install.py MODEL [--samples SAMPLES]

The new model must have the shape of the one the app and its tests were built around (classes, configs, tensor names and shapes, f16, finite, at
most 32 MB); otherwise every fault is listed, nothing is written and the exit code is 1."""
import argparse, json, math, os, shutil, sys, tempfile
import numpy as np
from PIL import Image
from safetensors import safe_open
from manifest import write_manifest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
LICENCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "LICENCE.md")
MOST_BYTES = 32_000_000
WEIGHTS = {"unet": "diffusion_pytorch_model.safetensors", "vae": "diffusion_pytorch_model.safetensors", "text_encoder": "model.safetensors"}
FILES = ["model_index.json", "holdout.json", "scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt", "tokenizer/tokenizer_config.json",
         *(f"{part}/config.json" for part in WEIGHTS), *(f"{part}/{name}" for part, name in WEIGHTS.items())]
# What the app and its tests were built around. Weights may get better; these may not change.
SHAPE = {
    "unet": dict(sample_size=16, in_channels=4, out_channels=4, block_out_channels=[64, 96, 160], layers_per_block=1, norm_num_groups=16, cross_attention_dim=96, attention_head_dim=4,
                 down_block_types=["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]),
    "vae": dict(in_channels=3, out_channels=3, latent_channels=4, block_out_channels=[16, 32, 64, 128], layers_per_block=1, norm_num_groups=8, sample_size=128,
                down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4),
    "text_encoder": dict(vocab_size=49408, hidden_size=96, intermediate_size=384, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=77, hidden_act="quick_gelu"),
    "scheduler": dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="epsilon", steps_offset=1),
}
SAMPLE_SETS = {"octopus": 8, "teddy-bear": 8}  # the first one is what the page opens with
SAMPLE_PX = 128


def read(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def config_faults(model):
    index = read(f"{model}/model_index.json")
    classes = dict(unet="UNet2DConditionModel", vae="AutoencoderKL", text_encoder="CLIPTextModel", tokenizer="CLIPTokenizer")
    if index.get("_class_name") != "StableDiffusionPipeline":
        yield f"model_index.json: _class_name is {index.get('_class_name')!r}, expected 'StableDiffusionPipeline'"
    for part, name in classes.items():
        if (index.get(part) or [None, None])[1] != name:
            yield f"model_index.json: {part} is {index.get(part)}, expected {name}"
    for part, wanted in SHAPE.items():
        file = f"{part}/{'scheduler_config' if part == 'scheduler' else 'config'}.json"
        config = read(f"{model}/{file}")
        for key, value in wanted.items():
            if config.get(key) != value:
                yield f"{file}: {key} is {config.get(key)!r}, expected {value!r}"
    scale = read(f"{model}/vae/config.json").get("scaling_factor")
    if not (isinstance(scale, (int, float)) and math.isfinite(scale) and scale > 0):
        yield f"vae/config.json: scaling_factor is {scale!r}, expected a number above 0"
    vocab = read(f"{model}/tokenizer/vocab.json")
    if len(vocab) != 49408 or vocab.get("<|endoftext|>") != 49407:
        yield f"tokenizer/vocab.json: {len(vocab)} tokens, expected CLIP's 49408 with <|endoftext|> last"


def expected_shapes(model, part):
    """The state dict that diffusers / transformers would make of this config, as shapes; nothing is allocated."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel
    with torch.device("meta"):
        if part == "text_encoder":
            net = CLIPTextModel(CLIPTextConfig.from_pretrained(f"{model}/{part}"))
        else:
            cls = UNet2DConditionModel if part == "unet" else AutoencoderKL
            net = cls.from_config(cls.load_config(f"{model}/{part}"))
    return {name: tuple(p.shape) for name, p in net.named_parameters()}


def weight_faults(model, part):
    file, wanted = f"{part}/{WEIGHTS[part]}", expected_shapes(model, part)
    with safe_open(f"{model}/{file}", "np") as f:
        got = {name.removeprefix("text_model.") if part == "text_encoder" and name not in wanted else name: name for name in f.keys()}
        alias = {name.removeprefix("text_model."): name for name in wanted} if part == "text_encoder" else {}
        got = {alias.get(name, name): stored for name, stored in got.items()}
        for name in sorted(wanted.keys() - got.keys()):
            yield f"{file}: {name} is missing"
        for name in sorted(got.keys() - wanted.keys()):
            yield f"{file}: {name} is no tensor of this model"
        for name in sorted(wanted.keys() & got.keys()):
            x = f.get_tensor(got[name])
            if x.shape != wanted[name]:
                yield f"{file}: {name} has shape {x.shape}, expected {wanted[name]}"
            if x.dtype != np.float16:
                yield f"{file}: {name} is {x.dtype}, expected float16"
            if not np.isfinite(x).all():
                yield f"{file}: {name} has values that are not finite"


def model_faults(model):
    missing = [name for name in FILES if not os.path.isfile(f"{model}/{name}")]
    if missing:
        yield from (f"{name} is missing" for name in missing)
        return
    size = sum(os.path.getsize(f"{model}/{name}") for name in FILES)
    if size > MOST_BYTES:
        yield f"{size} bytes in all, expected at most {MOST_BYTES}"
    faults = list(config_faults(model))
    yield from faults
    if not faults:  # shapes are only worth comparing when the configs agree
        for part in WEIGHTS:
            yield from weight_faults(model, part)


def sample_faults(samples):
    for name, count in SAMPLE_SETS.items():
        for i in range(1, count + 1):
            file = f"{samples}/{name}/{i:02}.png"
            try:
                with Image.open(file) as picture:
                    picture.load()
                    if picture.size != (SAMPLE_PX, SAMPLE_PX):
                        yield f"{file}: {picture.size} px, expected {(SAMPLE_PX, SAMPLE_PX)}"
            except OSError as error:
                yield f"{file}: {error}"


def replace(folder, write):
    """Fills a new folder beside `folder` with write(new), then swaps the two: a failure while writing leaves the old one as it was."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    new = tempfile.mkdtemp(prefix=".new-", dir=os.path.dirname(folder))
    try:
        write(new)
        os.chmod(new, 0o755)
        old = new + "-old"
        if os.path.isdir(folder):
            os.rename(folder, old)
        os.rename(new, folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def copy(source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)  # not copy(): a read-only source must not make a read-only repository


def write_model(model, folder):
    for name in FILES:
        copy(f"{model}/{name}", f"{folder}/{name}")
    copy(LICENCE, f"{folder}/LICENCE.md")
    write_manifest(folder)


def write_size(folder, file):
    """What the page says of the model before anybody has asked for its manifest: the files that it fetches."""
    size = sum(os.path.getsize(f"{folder}/{name}") for name in FILES if name != "holdout.json")
    with open(file, "w", newline="\n") as f:
        f.write(f"// Written by tools/demo-model/install.py: bytes of the bundled model, known before its manifest was asked for.\nexport const DEMO_BYTES = {size:_};\n")


def write_samples(samples, folder):
    index = []
    for name, count in SAMPLE_SETS.items():
        files = [f"{i:02}.png" for i in range(1, count + 1)]
        for file in files:
            copy(f"{samples}/{name}/{file}", f"{folder}/{name}/{file}")
        index.append({"id": name, "name": name.replace("-", " "), "classNoun": "figurine", "files": [f"{name}/{file}" for file in files]})
    with open(f"{folder}/index.json", "w") as f:
        json.dump(index, f, indent=2)
        f.write("\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("--samples", help="folder with a folder of pictures for each sample set; without it the samples stay as they are")
    p.add_argument("--root", default=ROOT, help="the repository")
    a = p.parse_args()
    faults = list(model_faults(a.model)) + (list(sample_faults(a.samples)) if a.samples else [])
    if faults:
        sys.exit("\n".join([*faults, f"Nothing was written: {len(faults)} faults."]))
    model = f"{a.root}/public/models/demo"
    replace(model, lambda folder: write_model(a.model, folder))
    write_size(model, f"{a.root}/src/storage/demo-bytes.ts")
    if a.samples:
        replace(f"{a.root}/public/samples", lambda folder: write_samples(a.samples, folder))
    print(f"Installed {a.model} as public/models/demo" + (f" and {a.samples} as public/samples" if a.samples else "") + ".")


if __name__ == "__main__":
    main()
