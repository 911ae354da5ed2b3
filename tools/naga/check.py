"""In: a JSON list of {name, entry, code} on standard input. Out: naga's verdict on each WGSL module and entry point; 'N passed, N failed' last.

naga is wgpu's shader compiler, the one in Firefox. What is proven: its front end, its validation and its SPIR-V. Not HLSL, not Metal.
"""

import json
import sys

import wgpu

# What the engine binds: up to nine buffers to a kernel, the ninth a uniform.
LIMITS = {"max-storage-buffers-per-shader-stage": 8}


def main() -> int:
    modules = json.load(sys.stdin)
    device = wgpu.gpu.request_adapter_sync().request_device_sync(required_limits=LIMITS)
    failed = 0
    for module in modules:
        try:
            shader = device.create_shader_module(code=module["code"])
            device.create_compute_pipeline(layout="auto", compute={"module": shader, "entry_point": module["entry"]})
        except Exception as error:  # wgpu's own classes differ from version to version
            failed += 1
            print(f"{module['name']}: {error}\n")
    print(f"{len(modules) - failed} passed, {failed} failed")
    return 1 if failed or not modules else 0


if __name__ == "__main__":
    sys.exit(main())
