"""Names of goldens -> test/golden/…, or with --check the differences between what is committed and what comes out now.

    python tools/goldens/make.py [--check] [names…]      (default: all of them)

Inputs must come out bitwise, outputs within a tenth of the bar that the app is held to. Exit code 1 when anything differs."""
import argparse, sys
import torch
import adamw8bit, adapters, checkpoint, configs, ddim, encoders, encoders_extra, flops, ops, prompts, recipes, samplers, schedules, tokenizer, training, unet
from store import faults, write

GOLDENS = {
    **{f"unet/{name}": (lambda name=name: unet.make(name)) for name in ("demo", *configs.GOLDENS)},
    **{f"training/{name}": (lambda name=name: training.make(name)) for name in training.B_STD},
    "flops": flops.make, "ops": ops.make, "encoders": encoders.make, "encoders-extra": encoders_extra.make, "ddim": ddim.make, "tokenizer": tokenizer.make,
    "checkpoint": checkpoint.make, "adapters": adapters.make, "prompts": prompts.make, "samplers": samplers.make,
    "schedules": schedules.make, "adamw8bit": adamw8bit.make, "min-snr-weights": recipes.make_weights,
    **{f"recipes/{name}": (lambda name=name: recipes.make(name)) for name in recipes.RECIPES},
}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--check", action="store_true")
    p.add_argument("names", nargs="*", metavar="name", help=", ".join(GOLDENS))
    a = p.parse_args()
    unknown = [name for name in a.names if name not in GOLDENS]
    if unknown:
        p.error(f"no golden is called {', '.join(unknown)}; there are {', '.join(GOLDENS)}")
    torch.set_num_threads(1)  # the order of additions must not depend on the machine
    failed, names = 0, a.names or GOLDENS
    for name in names:
        print(name, flush=True)
        files = GOLDENS[name]()
        if a.check:
            wrong = [fault for file in files for fault in faults(file)]
            print("\n".join(f"  ✗ {fault}" for fault in wrong) or "  ✓ as committed", flush=True)
            failed += bool(wrong)
        else:
            for file in files:
                write(file)
    if a.check:
        print(f"{len(names) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
