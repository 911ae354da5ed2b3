"""A model's folder -> its manifest.json: every file's length and sha256, by which the app knows a replaced or damaged one.

    python tools/demo-model/manifest.py public/models/demo
"""
import hashlib, json, os, sys


def write_manifest(folder):
    paths = sorted(os.path.relpath(os.path.join(at, name), folder).replace(os.sep, "/") for at, _, names in os.walk(folder) for name in names)
    files = []
    for path in paths:
        if path == "manifest.json":
            continue
        with open(os.path.join(folder, path), "rb") as f:
            data = f.read()
        files.append({"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    with open(os.path.join(folder, "manifest.json"), "w", newline="\n") as f:
        json.dump({"files": files}, f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    write_manifest(sys.argv[1])
