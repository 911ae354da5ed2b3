"""Drawing prompts -> the chunks of 75 tokens, each with its weight, that AUTOMATIC1111's stable-diffusion-webui makes of them, and the demo model's text states
by them. Written here anew from its wiki ("Attention/emphasis", "Infinite prompt length", "BREAK keyword") and from what it does: comma backtrack 20, emphasis "Original"."""
import json, re
import numpy as np
import torch
import photos
from store import Tensors, Text

SEED, LENGTH, ROOM, BACK = 660, 77, 75, 20
EVERY = 6  # of the states' rows: the file stays small
PROMPTS = ["", "a photo of duck figurine", "a (red) duck", "a [red] duck", "a (red:1.3) duck", "a ((red)) [[duck]]", "a (red (small:1.5) duck:0.7), [old]", r"a \(red\) duck \[1\] c:\\dir",
           "a (red duck", "a [red duck", "red) duck] :) 3:4", "a (red: 1.25 ) duck", "(a:-0.5) (b:+2) (c:.5)", "(a:1.2.3) b", "a:1.2) b", "[a:1.2] b", "(a [b:1.5) c]", "(a BREAK b:1.2) c BREAK", "BREAK", "a BREAKS b",
           "(1girl:1.2), (solo), masterpiece, [blurry]", "문어 (🐙:1.4)", "octopus " * 75, "octopus " * 76, "octopus " * 160, "word, " * 60, "a " * 60 + "red duck, " + "b " * 30, "a " * 50 + "red duck, " + "b " * 40,
           "a " * 74 + ", b", "a " * 75 + ", b", ("(very:1.4) " * 50 + "duck, ") * 2, "a photo of (duck:1.5) figurine, " + "on a blue background, " * 20 + "[sharp]", "(" * 3 + "a" + ")" * 3 + " [" * 2 + "b"]
ENCODED = ["", "a (red:1.3) duck", "a ((red)) [[duck]]", "(a:-0.5) (b:+2) (c:.5)", ("(very:1.4) " * 50 + "duck, ") * 2, "(a BREAK b:1.2) c BREAK"]
TOKEN = re.compile(r"\\[\\()\[\]]|\\|\(|\[|:\s*([+-]?[.\d]+)\s*\)|\)|\]|[^\\()\[\]:]+|:")


def number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None  # the webui fails here; to us `(a:1.2.3)` is text


def parsed(prompt: str) -> list[list]:
    """[text, weight] pairs, neighbours of one weight joined; [None, 0] for BREAK."""
    out, opened = [], {"(": [], "[": []}

    def close(bracket: str, factor: float) -> bool:
        if not opened[bracket]:
            return False
        for pair in out[opened[bracket].pop():]:
            pair[1] *= factor
        return True

    for match in TOKEN.finditer(prompt):
        piece, weight = match.group(0), number(match.group(1))
        if piece[0] == "\\":
            out.append([piece[1:], 1.0])
        elif piece in opened:
            opened[piece].append(len(out))
        elif weight is not None and close("(", weight):
            pass
        elif piece == ")" and close("(", 1.1) or piece == "]" and close("[", 1 / 1.1):
            pass
        else:
            for i, part in enumerate(re.split(r"\s*\bBREAK\b\s*", piece)):
                out += ([[None, 0]] if i else []) + [[part, 1.0]]
    while opened["("]:
        close("(", 1.1)
    while opened["["]:
        close("[", 1 / 1.1)
    joined = []
    for text, weight in out:
        if joined and text is not None and joined[-1][0] is not None and joined[-1][1] == weight:
            joined[-1][0] += text
        else:
            joined.append([text, weight])
    return joined


def chunks(prompt: str, tokenizer) -> list[tuple[list[int], list[float]]]:
    start, end, comma = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(",</w>")
    made, ids, weights, last_comma = [], [], [], -1

    def finish():
        nonlocal ids, weights, last_comma
        fill = ROOM - len(ids)
        made.append(([start, *ids, *[end] * fill, end], [1.0, *weights, *[1.0] * fill, 1.0]))
        ids, weights, last_comma = [], [], -1

    for text, weight in parsed(prompt):
        if text is None:
            finish()
            continue
        for token in tokenizer(text, add_special_tokens=False).input_ids:
            if token == comma:
                last_comma = len(ids)
            elif len(ids) == ROOM and last_comma != -1 and ROOM - last_comma <= BACK:
                cut = last_comma + 1
                rest = ids[cut:], weights[cut:]
                ids, weights = ids[:cut], weights[:cut]
                finish()
                ids, weights = rest
            if len(ids) == ROOM:
                finish()
            ids, weights = [*ids, token], [*weights, weight]
    if ids or not made:
        finish()
    return made


def states(prompt: str, tokenizer) -> np.ndarray:
    out = []
    for ids, weights in chunks(prompt, tokenizer):
        z = photos.text_encoder()(torch.tensor([ids])).last_hidden_state.double()
        weighted = z * torch.tensor(weights, dtype=torch.float64)[None, :, None]
        out.append((weighted * (z.mean() / weighted.mean()))[0])
    return torch.cat(out).float().numpy()


def make():
    tokenizer = photos.tokenizer()
    rows = []
    for prompt in PROMPTS:
        made = chunks(prompt, tokenizer)
        rows.append(json.dumps({"text": prompt, "chunks": [{"ids": ids[1:-1], "weights": [round(w, 6) for w in weights[1:-1]]} for ids, weights in made]}, separators=(",", ":")))
    encoded = {f"states.{PROMPTS.index(p)}": states(p, tokenizer)[::EVERY] for p in ENCODED}
    return [Text("prompts.json", "[\n" + ",\n".join(rows) + "\n]\n"), Tensors("prompts.safetensors", encoded, SEED, lambda key: 1e-5)]
