// What the U-Net engine offers to training and diffusion: types only. All latents cross this line as diffusers has them, (B, 4, h, w) f32;
// the engine turns them into its own NHWC.

/** How the U-Net's frozen weights lie on the GPU. int8: in blocks of 32 that share a scale; half the memory. */
export type WeightStorage = 'f16' | 'int8';
export interface GpuBytes {
  weights: number;
  arena: number;
  lora: number;
  staging: number;
  total: number;
}

/** One forward's inputs for one sample (batch 1). */
export interface UNetInputs {
  sample: Float32Array; // (4, h, w)
  timestep: number;
  encoderHiddenStates: Float32Array; // (tokens, d): 77, or as many as the engine was made for
}
export interface MicroStep extends UNetInputs {
  target: Float32Array; // (4, h, w)
  weight?: number; // of its loss, in the gradient as in the loss that is told; 1 where absent
}
export interface StepReport {
  step: number; // optimizer steps taken so far, this one included (a skipped step does not count)
  loss: number; // the sum over the micro-steps, weighted, divided by as many as the engine was made for
  gradientNorm: number; // before clipping, unscaled
  learningRate: number;
  skipped: boolean; // an overflow: nothing was updated, the loss scale was halved
}

/** LoRA parameters by diffusers module name (`down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q`). */
export interface LoraModule {
  name: string;
  inFeatures: number; // of a 3×3 convolution: channels × 9, in torch's order (channels, 3, 3)
  outFeatures: number;
  kernel?: 1 | 3; // where diffusers has a convolution; absent: a linear layer
}
export type LoraWeights = Map<string, { down: Float32Array; up: Float32Array }>; // down (r, in), up (out, r)

/** Everything a run needs to go on: copies of the flat buffers and the step state. Stored as is. */
export interface TrainingState {
  lora: Float32Array;
  firstMoment: Float32Array;
  secondMoment: Float32Array;
  stepState: Float32Array;
  moments?: Uint32Array; // of an 8-bit optimizer, packed; then the two above are empty
}

/** Memory that is somebody's who has no use for it now. */
export interface Lent {
  readonly device: GPUDevice;
  readonly slabs: readonly GPUBuffer[];
}

export interface UNetEngine {
  readonly modules: readonly LoraModule[];
  readonly made?: EngineMade; // of one that trains, on a real device
  readonly gpuBytes: GpuBytes; // as planned; equal to what was allocated
  readonly flopsPerStep: number;
  readonly dispatchesPerStep: number;
  /** noise_pred (4, h, w) with the adapter at `strength` (0 = without). */
  predict(inputs: UNetInputs, strength: number): Promise<Float32Array>;
  /**
   * Loss without gradients, adapter at `strength`: for the held-out photo. What is asked while others wait is read together with them: ask for all,
   * then wait.
   */
  evaluate(inputs: MicroStep, strength: number): Promise<number>;
  /**
   * One optimizer step over `micro`, at most as many as the engine was made for: gradients are added, divided by that many (batch × accumulate,
   * however few there are), clipped, applied.
   * Submits piece by piece, in its turn; resolves when the GPU has finished. The caller keeps at most two in flight. Aborting gives the step up,
   * as long as a piece of it is not submitted: it rejects with the signal's reason as if it had never been asked, and can be asked again. A loss
   * that is not finite in a skipped step says that the forward pass overflowed.
   */
  step(micro: readonly MicroStep[], signal?: AbortSignal): Promise<StepReport>;
  readLora(): Promise<LoraWeights>;
  writeLora(weights: LoraWeights): void;
  readState(): Promise<TrainingState>;
  writeState(state: TrainingState): void;
  /** Runs work with the engine's arena, which holds nothing between two questions, in its turn: the engine computes nothing meanwhile. */
  lend<T>(work: (lent: Lent) => Promise<T>): Promise<T>;
  readonly lost: Promise<GPUDeviceLostInfo>;
  destroy(): void;
}

/** What a training engine's bits depend on beside what it is given: the same in all of it is the same adapter, bit for bit. */
export interface EngineMade {
  card: string; // all that the adapter says of itself
  browser: string; // whose compiler and driver it is
  kernels: KernelWords;
  shaders: string; // of every kernel of a step, a hash
}
/** What kernels are chosen by (gpu/engine-plan.ts). */
export interface KernelWords {
  software: boolean;
  maxDispatchFlops: number;
}

export interface OptimizerSettings {
  bits?: 32 | 8; // of the moments: torch's AdamW (default), or bitsandbytes' AdamW8bit
  learningRates: Float32Array; // one per step: any schedule is a table
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  clip: number;
}
