// vae: a VAE's config and tensors on a device → photos' posteriors and latents' pictures. Weights stay until rest(); the arena lives with its program.
import type { KernelChoice } from '../graph/op.ts';
import { VAE_IO } from '../model/vae.ts';
import { downscaleOf, type VaeConfig } from '../model/vae-config.ts';
import type { Plan } from '../plan/plan.ts';
import type { Programs } from '../plan/programs.ts';
import type { DType } from '../tensor/tensor.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import type { Lent } from './engine-types.ts';
import type { Lane } from './lane.ts';
import { latentsToNhwc, nhwcToLatents } from './latents.ts';
import type { Pipelines } from './pipelines.ts';
import { Program } from './program.ts';
import { Readback } from './readback.ts';
import { reserve } from './reserve.ts';
import { hasOldNames, type VaeHalf, type VaeShape, vaePlan, vaePrograms } from './vae-plan.ts';
import { type GpuWeights, uploadWeights } from './weights.ts';

/** Both latentChannels × h × w, for the unscaled latents: sample, then multiply by the scaling factor. */
export interface Posterior {
  mean: Float32Array;
  logVariance: Float32Array; // clamped to −30…20
}
export interface Decoded {
  pixels: Float32Array; // (3, H, W), about −1…1, not clamped
  /** f16 came to numbers that are none, and the picture was made again in f32. */
  again: boolean;
}
interface VaePlanned {
  activations: DType;
  built: Programs;
}
export interface VaeOptions {
  config: VaeConfig;
  tensors: TensorSource;
  pipelines: Pipelines;
  lane: Lane;
  kernels: KernelChoice;
  /** Default: what suits the size (vae-plan.ts). */
  activations?: DType;
  bandBytes?: number;
}
/** Kept: both halves, with what is lent and without. */
const PLANS = 4;

export class Vae {
  readonly downscale: number;
  #weights: { half: VaeHalf; gpu: GpuWeights } | null = null;
  readonly #planned = new Map<string, VaePlanned>(); // a tenth of a second each, and photos and previews come one after another
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly options: VaeOptions) {
    this.downscale = downscaleOf(options.config);
  }

  /**
   * pixels (3, height, width), −1…1.
   * @throws RangeError for sides that are no multiples of the downscale; Trouble 'out-of-memory', 'file-damaged'.
   */
  async encode(pixels: Float32Array, height: number, width: number, lent: Lent | null = null): Promise<Posterior> {
    const channels = 2 * this.options.config.latentChannels;
    const [h, w] = [height / this.downscale, width / this.downscale];
    if (![h, w].every((side) => Number.isInteger(side) && side > 0))
      throw new RangeError(
        `expected sides in multiples of ${this.downscale} px, got ${height}×${width}: crop the picture first`,
      );
    const input = latentsToNhwc(pixels, { batch: 1, channels: 3, height, width });
    const { values } = await this.#finite('encode', h, w, input, lent);
    const moments = nhwcToLatents(values, { batch: 1, channels, height: h, width: w });
    const half = moments.length / 2;
    // diffusers' DiagonalGaussianDistribution clamps here.
    const logVariance = moments.slice(half).map((v) => Math.min(20, Math.max(-30, v)));
    return { mean: moments.slice(0, half), logVariance };
  }

  /** latents (latentChannels, height, width), already divided by the scaling factor, as for diffusers' `vae.decode`. @throws as encode. */
  async decode(latents: Float32Array, height: number, width: number, lent: Lent | null = null): Promise<Decoded> {
    const input = latentsToNhwc(latents, { batch: 1, channels: this.options.config.latentChannels, height, width });
    const { values, again } = await this.#finite('decode', height, width, input, lent);
    const size = { batch: 1, channels: 3, height: height * this.downscale, width: width * this.downscale };
    return { pixels: nhwcToLatents(values, size), again };
  }

  /** What one call takes, weights and all, by plan; latents of height × width. What is lent is not counted. */
  plan(half: VaeHalf, height: number, width: number, lent: readonly number[] = []): VaePlanned {
    const { activations, kernels } = this.options;
    const key = [half, height, width, ...lent].join(' ');
    const known = this.#planned.get(key);
    if (known) return known;
    const planned = activations
      ? { activations, built: this.#programs(half, height, width, lent, activations) }
      : vaePlan(half, this.#shape(half, height, width, lent), kernels, this.#most);
    if (this.#planned.size >= PLANS) this.#planned.clear();
    this.#planned.set(key, planned);
    return planned;
  }

  /** Frees the weights; the next call reads them again. After what is under way. */
  rest(): Promise<void> {
    return this.#inLine(async () => this.#dropWeights());
  }

  #finite(half: VaeHalf, height: number, width: number, input: Float32Array<ArrayBuffer>, lent: Lent | null) {
    return this.#inLine(() =>
      this.options.lane.faults.guard(async () => {
        const mine = lent?.device === this.options.pipelines.device ? lent.slabs : [];
        const sizes = mine.map(({ size }) => size);
        const { activations, built } = this.plan(half, height, width, sizes);
        const values = await this.#run(half, built, input, mine);
        if (activations === 'f32' || values.every(Number.isFinite)) return { values, again: false };
        const exact = this.#programs(half, height, width, sizes, 'f32');
        return { values: await this.#run(half, exact, input, mine), again: true };
      }),
    );
  }

  async #run(
    half: VaeHalf,
    built: Programs,
    input: Float32Array<ArrayBuffer>,
    slabs: readonly GPUBuffer[],
  ): Promise<Float32Array> {
    const { pipelines, lane } = this.options;
    const { device } = pipelines;
    const plan = built.plans[half] as Plan;
    const weights = await this.#weightsOf(half, built);
    const lent = new Map(slabs.map((slab, i) => [`arena:${i}`, slab]));
    const slabBytes = built.slabBytes.map((bytes, i) => (i < slabs.length ? 0 : bytes));
    const buffers = await reserve(device, { ...built, slabBytes });
    try {
      await pipelines.prepare(plan.dispatches.map((d) => d.launch));
      const named = (name: string): GPUBuffer => {
        const weight = name.startsWith('weight:') ? weights.buffers.get(name.slice('weight:'.length)) : undefined;
        const buffer = weight ?? lent.get(name) ?? buffers.get(name);
        if (!buffer) throw new Error(`${name} was not reserved`);
        return buffer;
      };
      const program = new Program(device, plan, pipelines, named(`dims:${half}`), named, lane);
      const io = named('io');
      const [inputs, outputs] = [
        half === 'encode' ? VAE_IO.pixels : VAE_IO.latents,
        built.outputs[half] as readonly string[],
      ];
      device.queue.writeBuffer(io, program.io(inputs).offset, input);
      const slot = named('readback:0');
      let bytes = 0;
      await program.submit((encoder) => {
        for (const { offset, bytes: size } of outputs.map((name) => program.io(name))) {
          encoder.copyBufferToBuffer(io, offset, slot, bytes, size);
          bytes += size;
        }
      });
      return new Float32Array(await new Readback([slot], lane.waits).take(slot, bytes));
    } finally {
      buffers.destroy();
    }
  }

  /** One half's weights at a time: photos are encoded before a run and pictures decoded after. */
  async #weightsOf(half: VaeHalf, { weights }: Programs): Promise<GpuWeights> {
    if (this.#weights?.half === half) return this.#weights.gpu;
    this.#dropWeights();
    const gpu = await uploadWeights(this.options.pipelines.device, weights, this.options.tensors);
    this.#weights = { half, gpu };
    return gpu;
  }
  #dropWeights(): void {
    this.#weights?.gpu.destroy();
    this.#weights = null;
  }

  get #most(): number {
    return this.options.pipelines.device.limits.maxStorageBufferBindingSize;
  }
  #shape(half: VaeHalf, height: number, width: number, lent: readonly number[]): VaeShape {
    const { config, tensors, bandBytes } = this.options;
    return { config, height, width, lent, oldNames: hasOldNames(half, tensors), ...(bandBytes && { bandBytes }) };
  }
  #programs(half: VaeHalf, height: number, width: number, lent: readonly number[], activations: DType): Programs {
    return vaePrograms(half, this.#shape(half, height, width, lent), activations, this.options.kernels, this.#most);
  }
  /** One call at a time, whatever became of those before. */
  #inLine<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
