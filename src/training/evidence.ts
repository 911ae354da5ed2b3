// Evidence: all that held-out loss was measured on, as a safetensors file, so that anyone can compute the same number with other software.
import { type TensorToWrite, writeSafetensors } from '../files/safetensors.ts';
import { meanLatents, type TrainingSet } from './examples.ts';
import { heldOutNoise, heldOutPhotos, heldOutTimesteps } from './held-out.ts';

export interface EvidenceOf {
  set: TrainingSet;
  seed: number;
  draws: number; // noise levels a photo
  prompt: string; // the sentence that instancePrompt encodes
  pixels: readonly Float32Array[]; // (3, H, W) in [−1, 1] of each measured photo, in heldOutPhotos' order
  height: number; // px
  width: number;
}

/**
 * Bytes of held-out.safetensors: `pixels` (N, 3, H, W), `latents` (N, 4, h, w) = scaled posterior means, `noise` (N, draws, 4, h, w),
 * `timesteps` (draws) I64, `encoder_hidden_states` (1, 77, d); metadata: prompt, seed, held_out_on. The U-Net's input is
 * √ᾱ_t · latents + √(1 − ᾱ_t) · noise, the loss is the mean over N × draws of the mean squared error against ε (or v).
 */
export function evidence({ set, seed, draws, prompt, pixels, height, width }: EvidenceOf): Uint8Array<ArrayBuffer> {
  const { photos, on } = heldOutPhotos(set);
  const scale = Math.sqrt((height * width) / ((photos[0]?.mean.length ?? 0) / 4)); // pixels a latent stands for: 8
  const latentShape = [4, height / scale, width / scale];
  const timesteps = heldOutTimesteps(set.schedule.trainTimesteps, draws);
  const f32 = (name: string, shape: readonly number[], parts: readonly Float32Array[]): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape,
    data: joined(parts),
  });
  return writeSafetensors(
    [
      f32('pixels', [photos.length, 3, height, width], pixels),
      f32(
        'latents',
        [photos.length, ...latentShape],
        photos.map((photo) => meanLatents(photo, set.scalingFactor)),
      ),
      f32(
        'noise',
        [photos.length, draws, ...latentShape],
        photos.flatMap((photo, index) => heldOutNoise(seed, index, photo.mean.length, draws)),
      ),
      { name: 'timesteps', dtype: 'I64', shape: [timesteps.length], data: BigInt64Array.from(timesteps, BigInt) },
      f32('encoder_hidden_states', [1, 77, set.instancePrompt.length / 77], [set.instancePrompt]),
    ],
    { prompt, seed: String(seed), held_out_on: on },
  );
}

/** The parts one after another in one array. */
function joined(parts: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const whole = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
