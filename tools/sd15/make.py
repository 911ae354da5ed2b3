"""A seed -> a random checkpoint with Stable Diffusion 1.5's exact file names, tensor names, shapes and formats (f16), and its manifest.json.

    python tools/sd15/make.py FOLDER [--narrow] [--heavy] [--layout diffusers|ldm] [--seed N]

Default initialisation, but that no norm is left at 1 and 0. --heavy draws the U-Net's matrices from Student's t with 4 degrees of freedom (same
standard deviation) and makes one output channel in 200 ten times as large: what 8-bit weights find hard. --layout ldm writes one file."""
import argparse, hashlib, json, os, shutil, time
import torch
from model_configs import REPO, configs, json_text
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

TOKENIZER = os.path.join(REPO, "public/models/demo/tokenizer")
# The name the app keeps a file under -> its name in the repository of Stable Diffusion 1.5.
WEIGHTS = {
    "unet/diffusion_pytorch_model.safetensors": "unet/diffusion_pytorch_model.fp16.safetensors",
    "vae/diffusion_pytorch_model.safetensors": "vae/diffusion_pytorch_model.fp16.safetensors",
    "text_encoder/model.safetensors": "text_encoder/model.fp16.safetensors",
}
SINGLE = "v1-5-random.safetensors"
UNET_PARAMETERS = 859_520_964


@torch.no_grad()
def perturb_norms(net):
    for name, p in net.named_parameters():
        if "norm" in name:
            p.normal_(1.0, 0.2) if name.endswith("weight") else p.normal_(0.0, 0.1)


def student_t4(shape) -> torch.Tensor:
    """Standard deviation 1: t(4) has sqrt 2. Chi-squared with 4 degrees of freedom is -2 ln(u v)."""
    chi = torch.rand(shape).mul_(torch.rand(shape)).clamp_(min=1e-30).log_().mul_(-2)
    return torch.randn(shape).mul_(chi.div_(4).rsqrt_()).mul_(0.5**0.5)


@torch.no_grad()
def make_heavy(net):
    for name, p in net.named_parameters():
        if p.ndim >= 2:
            p.copy_(student_t4(p.shape).mul_(p.std()))
            p[torch.rand(p.shape[0]) < 0.005] *= 10


def half(net) -> dict[str, torch.Tensor]:
    state = {name: p.detach().half().contiguous() for name, p in net.state_dict().items()}
    assert all(x.isfinite().all() for x in state.values())
    return state


def unet_state(config: dict, heavy: bool) -> dict[str, torch.Tensor]:
    net = UNet2DConditionModel.from_config(config)
    perturb_norms(net)
    if heavy:
        make_heavy(net)
    return half(net)


def vae_state(config: dict) -> dict[str, torch.Tensor]:
    net = AutoencoderKL.from_config(config)
    perturb_norms(net)
    return half(net)


def text_state(config: dict) -> dict[str, torch.Tensor]:
    net = CLIPTextModel(CLIPTextConfig(**config))
    perturb_norms(net)
    return {"text_model." + name.removeprefix("text_model."): x for name, x in half(net).items() if "position_ids" not in name}


class Folder:
    """Writes files with their lengths and sha256, which end up in manifest.json."""
    def __init__(self, path: str):
        self.path, self.files = path, []
        os.makedirs(path, exist_ok=True)

    def place(self, path: str) -> str:
        full = os.path.join(self.path, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        return full

    def list(self, path: str, kept_as: str):
        with open(self.place(path), "rb") as f:
            digest = hashlib.file_digest(f, "sha256").hexdigest()
        source = {} if path == kept_as else {"from": path}
        self.files.append({"path": kept_as, **source, "bytes": os.path.getsize(self.place(path)), "sha256": digest})

    def text(self, path: str, text: str):
        with open(self.place(path), "w", encoding="utf-8", newline="\n") as f:
            f.write(text)
        self.list(path, path)

    def copy(self, source: str, path: str):
        shutil.copyfile(source, self.place(path))
        self.list(path, path)

    def tensors(self, path: str, state: dict[str, torch.Tensor], kept_as: str | None = None):
        save_file(state, self.place(path), metadata={"format": "pt"})
        self.list(path, kept_as or path)

    def manifest(self, **facts):
        with open(self.place("manifest.json"), "w", newline="\n") as f:
            f.write(json_text({**facts, "files": self.files}))


def single_file(folder: Folder, config: dict, *parts: dict[str, torch.Tensor]):
    """One file in LDM's layout, from which diffusers' own converter must give back every tensor."""
    from ldm_layout import from_ldm, to_ldm
    folder.tensors(SINGLE, to_ldm(*parts))
    with torch.device("meta"):
        nets = [cls.from_config(config[f"{part}/config.json"]) for cls, part in ((UNet2DConditionModel, "unet"), (AutoencoderKL, "vae"))]
    back = from_ldm(load_file(folder.place(SINGLE)), *(dict(net.config) for net in nets))
    for made, read in zip(parts, back):
        assert made.keys() == read.keys(), sorted(made.keys() ^ read.keys())
        assert all(torch.equal(made[name], read[name]) for name in made)
    print(f"{SINGLE}: diffusers' converter gives back all {sum(map(len, parts))} tensors", flush=True)


def make(path: str, narrow: bool, heavy: bool, layout: str, seed: int):
    began, folder, config = time.time(), Folder(path), configs(narrow)
    # One seed for each part: the same part comes out whatever is made beside it, in either layout.
    def seeded(offset: int, build, *args):
        torch.manual_seed(seed + offset)
        return build(*args)
    unet = seeded(0, unet_state, config["unet/config.json"], heavy)
    parameters = sum(x.numel() for x in unet.values())
    assert narrow or parameters == UNET_PARAMETERS, parameters
    if layout == "diffusers":
        folder.tensors(WEIGHTS["unet/diffusion_pytorch_model.safetensors"], unet, "unet/diffusion_pytorch_model.safetensors")
        del unet
    vae, text = seeded(1, vae_state, config["vae/config.json"]), seeded(2, text_state, config["text_encoder/config.json"])
    if layout == "ldm":
        single_file(folder, config, unet, vae, text)
    else:
        folder.tensors(WEIGHTS["vae/diffusion_pytorch_model.safetensors"], vae, "vae/diffusion_pytorch_model.safetensors")
        position_ids = {"text_model.embeddings.position_ids": torch.arange(77).reshape(1, 77)}  # no weight, but the real file has it
        folder.tensors(WEIGHTS["text_encoder/model.safetensors"], {**text, **position_ids}, "text_encoder/model.safetensors")
        for name, value in config.items():
            folder.text(name, json_text(value))
        for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
            folder.copy(os.path.join(TOKENIZER, name), f"tokenizer/{name}")
    folder.manifest(seed=seed, heavy=heavy, unetParameters=parameters)  # last: a folder without one is not whole
    print(f"{path}: {parameters:,} U-Net parameters, {sum(f['bytes'] for f in folder.files):,} bytes, {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder")
    p.add_argument("--narrow", action="store_true")
    p.add_argument("--heavy", action="store_true")
    p.add_argument("--layout", choices=["diffusers", "ldm"], default="diffusers")
    p.add_argument("--seed", type=int, default=15)
    a = p.parse_args()
    make(a.folder, a.narrow, a.heavy, a.layout, a.seed)
