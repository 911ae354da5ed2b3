"""WORK with vae.pt -> WORK/unet.pt: U-Net and text encoder trained together on cached latents, and their exponential average. Resumable; stops after --minutes."""
import argparse, copy, math, os, random, time
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from models import encode, rare_words, schedule, text_encoder, tokenizer, unet
from scenes import COLOUR_NAMES, Scenes, caption
from train_vae import CONFIG

FAVOURED = {"Animals & Nature", "Food & Drink"}  # drawn four times as often: whole, chunky shapes


@torch.no_grad()
def cache_latents(work: str, rounds: int):
    """`rounds` renderings of every training subject -> posterior mean and log-variance (N, 8, 16, 16) f16, subject, colour."""
    file = f"{work}/latents.pt"
    if os.path.exists(file):
        return torch.load(file, weights_only=True)
    vae = AutoencoderKL(**CONFIG)
    vae.load_state_dict(torch.load(f"{work}/vae.pt", weights_only=True)["vae"])
    scenes, moments, subject, colour = Scenes(work, 1234), [], [], []
    for _ in range(rounds):
        for at in range(0, len(scenes.train), 32):
            ids = scenes.train[at:at + 32]
            x, c, _ = scenes.render(ids)
            d = vae.encode(x).latent_dist
            moments.append(torch.cat([d.mean, d.logvar], 1).half())
            subject += ids
            colour += c.tolist()
    out = dict(moments=torch.cat(moments), subject=torch.tensor(subject), colour=torch.tensor(colour))
    out["scale"] = 1 / out["moments"][:, :4].float().std()
    torch.save(out, file)
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--work", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--total", type=float, default=0)
    p.add_argument("--rounds", type=int, default=24)
    p.add_argument("--batch", type=int, default=48)
    a = p.parse_args()
    torch.manual_seed(0)
    cache = cache_latents(a.work, a.rounds)
    scenes, tok = Scenes(a.work, 0), tokenizer(a.work)
    net, text, acp = unet(), text_encoder(), schedule().alphas_cumprod
    params = [*net.parameters(), *text.parameters()]
    opt = torch.optim.AdamW(params, 1e-3, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    mean = [copy.deepcopy(net), copy.deepcopy(text)]
    file, done, step = f"{a.work}/unet.pt", 0.0, 0
    if os.path.exists(file):
        s = torch.load(file, weights_only=True)
        for part, key in ((net, "unet"), (text, "text"), (opt, "opt"), (mean[0], "unet_mean"), (mean[1], "text_mean")):
            part.load_state_dict(s[key])
        done, step = s["seconds"], s["step"]
    favoured = torch.tensor([4.0 if k in FAVOURED else 1.0 for k in scenes.kinds])
    weight = favoured[cache["subject"]]
    total, rng, rare = a.total * 60 or done + a.minutes * 60, random.Random(step), rare_words(7, 20_000)
    torch.manual_seed(step)
    start, shown = time.time(), None

    def save():
        torch.save(dict(unet=net.state_dict(), text=text.state_dict(), opt=opt.state_dict(), unet_mean=mean[0].state_dict(), text_mean=mean[1].state_dict(),
                        seconds=done + time.time() - start, step=step, scale=cache["scale"]), file)

    last = start
    while time.time() - start < a.minutes * 60:
        fraction = min(1, (done + time.time() - start) / total)
        for g in opt.param_groups:
            g["lr"] = 8e-4 * min(1, (step + 1) / 200) * (0.5 * (1 + math.cos(math.pi * fraction)) + 0.02)
        i = torch.multinomial(weight, a.batch, replacement=True)
        mu, logvar = cache["moments"][i].float().chunk(2, 1)
        z = (mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)) * cache["scale"]
        words = [caption(scenes.names[cache["subject"][k]], COLOUR_NAMES[cache["colour"][k]], rng, rare) for k in i.tolist()]
        t = ((torch.arange(a.batch) + torch.rand(a.batch)) * 1000 / a.batch).long()  # one draw in each stratum
        noise, k = torch.randn_like(z), acp[t][:, None, None, None]
        error = F.mse_loss(net(k.sqrt() * z + (1 - k).sqrt() * noise, t, encode(tok, text, words)).sample, noise, reduction="none").mean((1, 2, 3))
        loss = (error * (5 * (1 - acp[t]) / acp[t]).clamp(max=1)).mean()  # Min-SNR, gamma 5 (Hang et al. 2023)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        step += 1
        plain = error.mean().item()
        shown = plain if shown is None else 0.99 * shown + 0.01 * plain
        with torch.no_grad():
            keep = min(0.998, (1 + step) / (10 + step))
            for m, now in zip(mean, (net, text)):
                torch._foreach_lerp_(list(m.parameters()), list(now.parameters()), 1 - keep)
        if step % 100 == 0:
            print(f"{step} {done + time.time() - start:.0f}s {step * a.batch / (done + time.time() - start):.1f}/s loss {shown:.4f}", flush=True)
        if time.time() - last > 180:
            save()
            last = time.time()
    save()


if __name__ == "__main__":
    main()
