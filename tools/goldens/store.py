"""Arrays and text -> files under test/golden with versions and seed in their header, and the comparison of two such files."""
import json, os
from dataclasses import dataclass
from importlib.metadata import version
from typing import Callable
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

REPO = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
GOLDEN = os.path.join(REPO, "test/golden")
DEMO = os.path.join(REPO, "public/models/demo")
VERSIONS = {name: version(name) for name in ("torch", "diffusers", "transformers", "peft", "numpy")}
EXACT = lambda key: None


@dataclass
class Tensors:
    """One safetensors file. `bar(key)` is the relative L2 error the app may have there; None for an input, which must come out bitwise."""
    path: str  # under test/golden
    tensors: dict[str, np.ndarray]
    seed: int
    bar: Callable[[str], float | None] = EXACT

    def bytes(self) -> bytes:
        header = {"format": "pt", "seed": str(self.seed), **VERSIONS}
        # np.ascontiguousarray alone gives a single number one dimension: kohya's alphas have none.
        return save({k: np.ascontiguousarray(v).reshape(np.shape(v)) for k, v in self.tensors.items()}, metadata=dict(sorted(header.items())))


@dataclass
class Text:
    """One JSON or text file; compared as it is."""
    path: str
    text: str

    def bytes(self) -> bytes:
        return self.text.encode()


def json_text(value) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write(file: Tensors | Text):
    path = os.path.join(GOLDEN, file.path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(file.bytes())


def relative_l2(got: np.ndarray, expected: np.ndarray) -> float:
    """|got - expected| / |expected|; a NaN anywhere is infinitely far off."""
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    error = np.linalg.norm(got - expected) / max(np.linalg.norm(expected), np.finfo(np.float64).tiny)
    return error if np.isfinite(error) else np.inf


def faults(file: Tensors | Text):
    """What differs between the committed file and this newly made one: inputs bitwise, outputs by more than a tenth of their bar."""
    path = os.path.join(GOLDEN, file.path)
    if not os.path.exists(path):
        yield f"{file.path}: not there"
    elif isinstance(file, Text):
        with open(path, encoding="utf-8") as f:
            if f.read() != file.text:
                yield f"{file.path}: differs"
    else:
        yield from tensor_faults(path, file)


def tensor_faults(path: str, file: Tensors):
    with safe_open(path, "np") as f:
        old = {k: f.get_tensor(k) for k in f.keys()}
    for key in sorted(old.keys() ^ file.tensors.keys()):
        yield f"{file.path}: {key} is only in the {'committed' if key in old else 'new'} one"
    for key in sorted(old.keys() & file.tensors.keys()):
        a, b, bar = old[key], np.asarray(file.tensors[key]), file.bar(key)
        if a.shape != b.shape or a.dtype != b.dtype:
            yield f"{file.path}: {key} was {a.dtype} {a.shape}, is {b.dtype} {b.shape}"
        elif bar is None:
            if a.tobytes() != b.tobytes():
                yield f"{file.path}: {key} is not bitwise the same (an input)"
        elif relative_l2(b, a) > bar / 10:
            yield f"{file.path}: {key} moved by {relative_l2(b, a):.2e} rel. L2, a tenth of its bar is {bar / 10:.0e}"
