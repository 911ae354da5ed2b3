"""Fluent 3D emoji, their names and CLIP's merges -> emoji.npz (N, 128, 128, 4 uint8), names.json, kinds.json, holdout.json, tokenizer/ (CLIP's own vocabulary)."""
import argparse, gzip, json, os, re
import numpy as np
from PIL import Image

KEEP = {"Animals & Nature", "Food & Drink", "Activities", "Objects"}
HOLDOUT = ["teddy bear", "unicorn face", "octopus", "hamburger", "violin", "crown", "sunflower", "soccer",
           "telescope", "owl", "pineapple", "drum with drumsticks", "turtle", "birthday"]


def bytes_to_unicode():
    """GPT-2's printable stand-ins for the 256 bytes, as CLIP uses them."""
    keep = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    chars, spare = list(keep), 0
    for b in range(256):
        if b not in keep:
            keep.append(b)
            chars.append(256 + spare)
            spare += 1
    return [chr(c) for c in chars]


def write_tokenizer(bpe_gz: str, out: str):
    merges = gzip.open(bpe_gz, "rt", encoding="utf-8").read().split("\n")[1:49152 - 256 - 2 + 1]
    units = bytes_to_unicode()
    tokens = [*units, *(u + "</w>" for u in units), *("".join(m.split()) for m in merges), "<|startoftext|>", "<|endoftext|>"]
    os.makedirs(out, exist_ok=True)
    with open(f"{out}/vocab.json", "w", encoding="utf-8") as f:
        json.dump({t: i for i, t in enumerate(tokens)}, f, ensure_ascii=False, indent=2)
        f.write("\n")
    with open(f"{out}/merges.txt", "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "\n".join(merges) + "\n")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--npm", required=True)
    p.add_argument("--bpe", required=True)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    about = {e["unified"].lower(): e for e in json.load(open(f"{a.npm}/emoji-datasource-google/emoji.json"))}
    folder = f"{a.npm}/@lobehub/fluent-emoji-3d/assets"
    pictures, names, kinds = [], [], []
    for file in sorted(os.listdir(folder)):
        code = file.removesuffix(".webp")
        if re.search("1f3f[b-f]", code):  # skin-tone variants
            continue
        e = about.get(code) or about.get(code + "-fe0f") or about.get(code.replace("-fe0f", ""))
        if not e or e["category"] not in KEEP:
            continue
        pictures.append(np.asarray(Image.open(f"{folder}/{file}").convert("RGBA").resize((128, 128), Image.LANCZOS)))
        names.append(re.sub("[_-]+", " ", e["short_name"]).lower())
        kinds.append(e["category"])
    np.savez_compressed(f"{a.out}/emoji.npz", rgba=np.stack(pictures))
    json.dump(names, open(f"{a.out}/names.json", "w"))
    json.dump(kinds, open(f"{a.out}/kinds.json", "w"))
    held = [n for n in HOLDOUT if n in names]
    json.dump(held, open(f"{a.out}/holdout.json", "w"))
    write_tokenizer(a.bpe, f"{a.out}/tokenizer")
    print(f"{len(names)} pictures, held out: {held}, not found: {sorted(set(HOLDOUT) - set(held))}")


if __name__ == "__main__":
    main()
