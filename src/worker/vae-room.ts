// A VAE's config and tensors and whoever has a device in; photos' latents and latents' pictures out, in memory that the U-Net lends where it can.
import { type Card, cardKey, kernelsOf } from '../gpu/cards.ts';
import type { Lent } from '../gpu/engine-types.ts';
import type { Lane } from '../gpu/lane.ts';
import type { OrLost } from '../gpu/lost-device.ts';
import type { Pipelines } from '../gpu/pipelines.ts';
import { type Decoded, type Posterior, Vae } from '../gpu/vae.ts';
import { hasOldNames, type VaeHalf, type VaeShape, vaePlan } from '../gpu/vae-plan.ts';
import type { KernelChoice } from '../graph/op.ts';
import { downscaleOf, type VaeConfig } from '../model/vae-config.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import { Trouble } from '../trouble.ts';

export interface VaeFiles {
  config: VaeConfig;
  tensors: TensorSource;
}
/** Runs work with the arena of the U-Net that is there, if any; nothing else uses it meanwhile. */
export type Lend = <T>(work: (lent: Lent | null) => Promise<T>) => Promise<T>;

export interface VaeRoom {
  /** A sampled latent times this is what the U-Net sees. */
  readonly scalingFactor: number;
  /** Pixels per latent, each way. */
  readonly downscale: number;
  /** (3, size, size) pixels, −1…1 → mean and log-variance, (4, h, w) each, unscaled. */
  encode(pixels: Float32Array, size: number): Promise<Posterior>;
  /** (4, h, w) latents, already divided by `scalingFactor` → (3, size, size) pixels, about −1…1. */
  decode(latents: Float32Array, size: number): Promise<Decoded>;
  /** ms that a decode will take by what was submitted to this card before. */
  decodeMs(size: number): Promise<number>;
  /** GPU bytes that one half takes on a card, weights and all, beside a U-Net that lends slabs of these sizes: by plan. */
  needs(half: VaeHalf, size: number, card: Card, lent?: readonly number[]): number;
  /** Frees its weights; the next call reads them again. */
  rest(): Promise<void>;
}
/** What it needs of a device. */
export interface VaeDevice {
  pipelines: Pipelines;
  lane: Lane;
  kernels: KernelChoice;
  orLost: OrLost;
}

/** @param onDevice the device that engines are made on; after a lost one another. */
export function vaeRoom({ config, tensors }: VaeFiles, onDevice: () => Promise<VaeDevice>, lend: Lend): VaeRoom {
  const downscale = downscaleOf(config);
  const known = new Map<string, number>(); // a plan takes a tenth of a second, and the page asks at every change
  let here: { on: VaeDevice; vae: Vae } | null = null;
  const open = async (): Promise<{ on: VaeDevice; vae: Vae }> => {
    const on = await onDevice();
    if (here?.on !== on) {
      const { pipelines, lane, kernels } = on;
      here = { on, vae: new Vae({ config, tensors, pipelines, lane, kernels }) };
    }
    return here;
  };
  const withVae = async <T>(work: (vae: Vae, lent: Lent | null) => Promise<T>): Promise<T> => {
    const { on, vae } = await open();
    return on.orLost(() => lend((lent) => work(vae, lent)));
  };
  return {
    scalingFactor: config.scalingFactor,
    downscale,
    async encode(pixels, size) {
      const encode = () => withVae((vae, lent) => vae.encode(pixels, size, size, lent));
      try {
        return await encode();
      } catch (error) {
        if (!(error instanceof Trouble && error.code === 'device-lost')) throw error;
        return encode(); // nothing of a run is lost yet: on the next device
      }
    },
    decode: (latents, size) => withVae((vae, lent) => vae.decode(latents, size / downscale, size / downscale, lent)),
    async decodeMs(size) {
      const { on, vae } = await open();
      const plan = vae.plan('decode', size / downscale, size / downscale).built.plans.decode;
      if (!plan) throw new Error('the plan of a decoder has no decoder');
      return on.lane.pace.msOf({ flops: plan.flops, dispatches: plan.dispatches.length });
    },
    needs(half, size, card, lent = []) {
      const key = [half, size, cardKey(card), ...lent].join(' ');
      const side = size / downscale;
      const shape = { config, height: side, width: side, lent, oldNames: hasOldNames(half, tensors) };
      const needed = known.get(key) ?? vaeNeeds(half, shape, card);
      known.set(key, needed);
      return needed;
    },
    async rest() {
      const { on, vae } = here ?? {};
      // With a lost device they are gone.
      await on
        ?.orLost(async () => vae?.rest())
        .catch((error: unknown) => {
          if (!(error instanceof Trouble && error.code === 'device-lost')) throw error;
        });
    },
  };
}

/** GPU bytes that one half takes on a card; what is lent is not counted. */
export const vaeNeeds = (half: VaeHalf, shape: VaeShape, card: Card): number =>
  vaePlan(half, shape, kernelsOf(card), card.limits.maxStorageBufferBindingSize).built.bytes.total;
