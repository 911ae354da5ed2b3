"""Adapter files and a U-Net -> what each says about every module, and the U-Net's output with it: by diffusers + peft, and merged by hand as A1111
does."""
import copy, json, logging, os
import torch
from diffusers import StableDiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from safetensors import safe_open
from transformers.utils import logging as transformers_logging

TARGETS = ("to_q", "to_k", "to_v", "to_out.0")


def read(path: str) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, "pt") as f:
        return {k: f.get_tensor(k) for k in f.keys()}, f.metadata() or {}


def adapted_modules(unet) -> dict[str, torch.nn.Linear]:
    """Every attention projection of the U-Net, by diffusers' name."""
    return {name: m for name, m in unet.named_modules() if name.endswith(TARGETS) and isinstance(m, torch.nn.Linear)}


def inputs(unet) -> tuple[torch.Tensor, ...]:
    """One sample at each of four timesteps, with made-up text states."""
    g, size = torch.Generator().manual_seed(800), unet.config.sample_size
    height, width = (size, size) if isinstance(size, int) else size
    return torch.randn(4, 4, height, width, generator=g), torch.tensor([20, 300, 600, 950]), torch.randn(4, 77, unet.config.cross_attention_dim, generator=g)


@torch.no_grad()
def output(unet) -> torch.Tensor:
    return unet(*inputs(unet)).sample


diffusers_logging.disable_progress_bar()
transformers_logging.disable_progress_bar()


def pipeline(model: str) -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(model, torch_dtype=torch.float32, safety_checker=None, requires_safety_checker=False)


class Complaints(logging.Handler):
    """Collects what diffusers warns about while a file is loaded: an unexpected key is a warning there, not an error."""

    def __enter__(self):
        self.lines = []
        diffusers_logging.disable_default_handler()
        diffusers_logging.get_logger("diffusers").addHandler(self)
        return self

    def emit(self, record):
        if "No LoRA keys associated to CLIPTextModel" not in record.getMessage():  # true, and as it should be
            self.lines.append(record.getMessage())

    def __exit__(self, *_):
        diffusers_logging.get_logger("diffusers").removeHandler(self)
        diffusers_logging.enable_default_handler()


def load(pipe: StableDiffusionPipeline, path: str):
    """The file as the pipeline's only adapter. Raises when a key found no place or a module got nothing."""
    pipe.unload_lora_weights()
    with Complaints() as complaints:
        pipe.load_lora_weights(os.path.dirname(path), weight_name=os.path.basename(path), adapter_name="read")
    assert not complaints.lines, f"diffusers complains: {' / '.join(complaints.lines)}"
    layers = [m for m in pipe.unet.modules() if "read" in getattr(m, "lora_A", {})]
    wanted = read(path)[0]
    count = sum(".lora_down." in k or ".lora.down." in k or ".lora_A." in k for k in wanted)
    assert len(layers) == count, f"{len(layers)} modules got a LoRA, the file has {count}"


def merged(unet, kohya: dict[str, torch.Tensor]):
    """W + alpha / rank · up · down, module by module, as A1111 and kohya's scripts apply such a file."""
    unet = copy.deepcopy(unet)
    for name, module in adapted_modules(unet).items():
        key = "lora_unet_" + name.replace(".", "_")
        down, up, alpha = (kohya[f"{key}.{part}"].float() for part in ("lora_down.weight", "lora_up.weight", "alpha"))
        module.weight.data += alpha / down.shape[0] * up @ down
    return unet


def diffusers_modules(tensors: dict[str, torch.Tensor]) -> set[str]:
    return {k.removeprefix("unet.").removesuffix(".lora.down.weight") for k in tensors if k.endswith(".lora.down.weight")}


def lora_config(metadata: dict[str, str]) -> dict:
    return json.loads(metadata.get("lora_adapter_metadata", "{}"))
