"""Stable Diffusion 1.5's own configs, and those of a narrow model of the same build -> {path in the folder: config}."""
import json, os

REPO = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def read(path: str) -> dict:
    with open(os.path.join(REPO, path), encoding="utf-8") as f:
        return json.load(f)


# As in the repository stable-diffusion-v1-5/stable-diffusion-v1-5. What a file there does not say is its class's default.
FULL = {
    "model_index.json": {
        "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.6.0", "feature_extractor": [None, None], "safety_checker": [None, None],
        "scheduler": ["diffusers", "PNDMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]},
    "scheduler/scheduler_config.json": {
        "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
        "num_train_timesteps": 1000, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None, "clip_sample": False},
    "unet/config.json": read("test/golden/configs/sd15-unet.json"),
    "vae/config.json": read("test/golden/configs/sd15-vae.json"),
    "text_encoder/config.json": {
        "architectures": ["CLIPTextModel"], "attention_dropout": 0.0, "bos_token_id": 0, "dropout": 0.0, "eos_token_id": 2, "hidden_act": "quick_gelu", "hidden_size": 768,
        "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": 3072, "layer_norm_eps": 1e-05, "max_position_embeddings": 77, "model_type": "clip_text_model",
        "num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 1, "projection_dim": 768, "torch_dtype": "float32", "vocab_size": 49408},
}
# The same blocks, heads and names in a hundredth of the width: seconds on a software GPU. Widths in multiples of 32, so that 8-bit weights have whole blocks
# and norms 32 groups; the text encoder's heads are 64 wide: what a single file does not say is as in the whole model.
NARROWER = {
    "unet/config.json": {"block_out_channels": [32, 64, 64, 64], "cross_attention_dim": 64},
    "vae/config.json": {"block_out_channels": [32, 32, 64, 64]},
    "text_encoder/config.json": {"hidden_size": 64, "intermediate_size": 256, "num_attention_heads": 1, "num_hidden_layers": 3, "projection_dim": 64},
}


def configs(narrow: bool) -> dict[str, dict]:
    return {path: {**config, **(NARROWER.get(path, {}) if narrow else {})} for path, config in FULL.items()}


def json_text(value) -> str:
    return json.dumps(value, indent=2) + "\n"
