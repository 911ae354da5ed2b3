"""Each schedule of diffusers' get_scheduler, stepped by accelerate as train_dreambooth_lora.py does -> each optimizer step's share of the rate and
the batches that it gathered."""
import json, math
import torch
from accelerate import Accelerator
from diffusers.optimization import get_scheduler
from store import Text

LEARNING_RATE = 1e-3
NUMBERS = [dict(), dict(warmupSteps=4), dict(cycles=3), dict(warmupSteps=3, cycles=2), dict(power=2.0), dict(warmupSteps=2, power=0.5)]
NAMES = ["constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial"]
# Items an epoch, batch, accumulation, epochs, steps: None = as many as the epochs have. 7 items in batches of 2: the last of four holds one; by 3: the last group one batch.
LENGTHS = [(6, 1, 1, 3, None), (10, 2, 2, 4, None), (7, 2, 3, 5, None), (5, 1, 2, 4, 7)]


def run(name: str, numbers: dict, items: int, batch: int, accumulate: int, epochs: int, steps: int | None) -> dict:
    accelerator = Accelerator(gradient_accumulation_steps=accumulate, cpu=True)
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([weight], lr=LEARNING_RATE)
    loader = torch.utils.data.DataLoader(list(range(items)), batch_size=batch)
    per_epoch = math.ceil(len(loader) / accumulate)
    steps = steps or epochs * per_epoch
    epochs = math.ceil(steps / per_epoch)
    scheduler = get_scheduler(name, optimizer=optimizer, num_warmup_steps=numbers.get("warmupSteps", 0) * accelerator.num_processes,
                              num_training_steps=steps * accelerator.num_processes, num_cycles=numbers.get("cycles", 1), power=numbers.get("power", 1.0))
    model = torch.nn.Module()
    model.weight = weight
    model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
    shares, gathered, pulls, sizes = [], [], [], []
    for _ in range(epochs):
        for seen in loader:
            with accelerator.accumulate(model):
                sizes.append(len(seen))
                rate, before = optimizer.param_groups[0]["lr"], weight.item()
                accelerator.backward((weight * seen.double().mean() * 0 + weight).sum())
                optimizer.step()
                if accelerator.sync_gradients:
                    shares.append(rate / LEARNING_RATE)
                    gathered.append(sizes)
                    pulls.append(weight.grad.item())  # 1 a whole group: the loss is divided by the full accumulation
                    sizes = []
                scheduler.step()
                optimizer.zero_grad()
        if len(shares) >= steps:
            break
    return dict(schedule=name, learningRate=LEARNING_RATE, **dict(warmupSteps=0, cycles=1, power=1.0) | numbers, items=items, batch=batch, accumulate=accumulate,
                epochs=epochs, steps=steps, shares=shares[:steps], gathered=gathered[:steps], pulls=pulls[:steps])


def make():
    cases = [run(name, numbers, *length) for name in NAMES for numbers in NUMBERS for length in LENGTHS]
    return [Text("schedules.json", "[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n")]
