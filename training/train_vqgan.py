"""Train the autoencoder: python3 -m training.train_vqgan --out DIR.

Most of the run sees 128x128 crops, which are four times cheaper; the end sees whole films, because
the attention and the group norms must learn the statistics of the size that is shipped.
The schedule follows the larger of step/steps and elapsed/minutes, so that a run on a busy machine
still ends with a small learning rate.
"""
import argparse
import json
import math
import random
import time
from pathlib import Path

import torch

from .data.films import autoencoder_mix, nih_part
from .data.images import from_range, to_range
from .losses import balanced_weight, hinge_discriminator, reconstruction_loss
from .metrics import psnr, ssim
from .nets.discriminator import PatchDiscriminator
from .nets.vqgan import VQGAN

QUANTISE_FROM, REVIVE_UNTIL, WHOLE_FROM, ADVERSARIAL_FROM = 0.03, 0.70, 0.75, 0.60
REVIVE_EVERY, LOG_EVERY = 100, 50


def draw_batch(films, count, size):
    """Random crops with flips and a mild change of brightness and contrast."""
    crops = []
    for k in random.sample(range(len(films)), count):
        top, left = random.randint(0, 256 - size), random.randint(0, 256 - size)
        crop = films[k][:, top:top + size, left:left + size]
        crops.append(crop.flip(2) if random.random() < 0.5 else crop)
    batch = to_range(torch.stack(crops))
    gain, shift = 1 + 0.15 * torch.randn(count, 1, 1, 1), 0.08 * torch.randn(count, 1, 1, 1)
    return (batch * gain + shift).clamp(-1, 1).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def evaluate(vqgan, films, batch=8):
    """PSNR and SSIM of whole films through the quantiser, and how many codes they use."""
    vqgan.eval()
    decibels, similarity, used = [], [], torch.zeros(len(vqgan.quantizer.codebook))
    for start in range(0, len(films), batch):
        target = to_range(films[start:start + batch])
        image, _, index = vqgan(target.contiguous(memory_format=torch.channels_last))
        decibels.append(psnr(from_range(image), from_range(target)))
        similarity.append(ssim(from_range(image).contiguous(), from_range(target)))
        used += torch.bincount(index.flatten(), minlength=len(used))
    vqgan.train()
    share = used[used > 0] / used.sum()
    return {"psnr": torch.cat(decibels).mean().item(), "ssim": torch.cat(similarity).mean().item(),
            "codes_used": int((used > 0).sum()), "perplexity": math.exp(-(share * share.log()).sum().item())}


def discriminator_step(network, optimiser, real, fake):
    optimiser.zero_grad(set_to_none=True)
    loss = hinge_discriminator(network(real), network(fake.detach()))
    loss.backward()
    optimiser.step()
    return loss.item()


def save(path, vqgan, progress, step):
    """Write aside, then rename: a run that is stopped leaves the previous checkpoint whole."""
    aside = path.with_suffix(".part")
    torch.save({"config": vqgan.config, "state": vqgan.state_dict(), "progress": progress, "step": step}, aside)
    aside.rename(path)


def load(path):
    """The trained VQGAN in evaluation mode."""
    stored = torch.load(path, map_location="cpu")
    vqgan = VQGAN(**stored["config"])
    vqgan.load_state_dict(stored["state"])
    return vqgan.eval()


def train(options):
    torch.manual_seed(options.seed)
    random.seed(options.seed)
    torch.set_num_threads(options.threads)
    films, validation = autoencoder_mix(), nih_part("validation")[0]
    vqgan = VQGAN(base=options.base).to(memory_format=torch.channels_last)
    critic = PatchDiscriminator().to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(vqgan.parameters(), lr=options.lr, betas=(0.9, 0.99))
    critic_optimiser = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.9))
    started, saved, step, progress, quantise, moved = time.time(), time.time(), 0, 0.0, False, 0
    if options.resume:
        stored = torch.load(options.resume)
        vqgan.load_state_dict(stored["state"])
        step, progress, quantise = stored["step"], stored["progress"], True
    first_step, first_progress = step, progress
    while progress < 1.0:
        warm_up = min(1.0, (step - first_step + 1) / 100)
        optimiser.param_groups[0]["lr"] = options.lr * warm_up * (0.51 + 0.49 * math.cos(math.pi * progress))
        whole = progress >= WHOLE_FROM
        image = draw_batch(films, options.batch // 4 if whole else options.batch, 256 if whole else 128)
        due = step > first_step and step % REVIVE_EVERY == 0 and progress < REVIVE_UNTIL
        if due or not quantise and progress >= QUANTISE_FROM:
            with torch.no_grad():
                moved = vqgan.quantizer.revive(vqgan.encode(image))
            quantise = progress >= QUANTISE_FROM
        output, codebook, _ = vqgan(image, quantise)
        reconstruction = reconstruction_loss(output, image)
        loss = reconstruction + codebook
        judged = 0.0
        if progress >= ADVERSARIAL_FROM:
            judged = discriminator_step(critic, critic_optimiser, image, output)
            critic.requires_grad_(False)
            adversarial = -critic(output).mean()
            critic.requires_grad_(True)
            loss = loss + adversarial * balanced_weight(reconstruction, adversarial, vqgan.decoder.head.weight,
                                                        options.adversarial)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vqgan.parameters(), 1.0)
        optimiser.step()
        step += 1
        elapsed = (time.time() - started) / (60 * options.minutes)
        progress = max(step / options.steps, first_progress + elapsed * (1.0 - first_progress))
        if step % LOG_EVERY == 0:
            print(f"step {step} progress {progress:.3f} reconstruction {reconstruction.item():.4f} "
                  f"codebook {codebook.item():.4f} critic {judged:.3f} moved {moved} "
                  f"seconds {time.time() - started:.0f}", flush=True)
        if time.time() - saved > 60 * options.save_minutes or progress >= 1.0:
            saved = time.time()
            save(options.out / "vqgan.pt", vqgan, progress, step)
            print("validation", json.dumps(evaluate(vqgan, validation if progress >= 1.0 else validation[:32])),
                  flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--base", type=int, default=16)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--minutes", type=float, default=55)
    parser.add_argument("--save-minutes", type=float, default=4)
    parser.add_argument("--adversarial", type=float, default=0.1, help="share of the gradient at the last layer")
    parser.add_argument("--resume", type=Path, help="checkpoint whose weights and progress to start from")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20261121)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    train(options)


if __name__ == "__main__":
    main()
