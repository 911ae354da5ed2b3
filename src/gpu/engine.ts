// engine: a U-Net config, weights and settings → a UNetEngine. Plans everything, reserves everything, compiles everything; then only replays.

import type { GemmVariant, Target } from '../graph/op.ts';
import type { UNetConfig } from '../model/config.ts';
import { type BuiltGraph, IO, lossGraph, predictGraph, updateGraph } from '../model/graphs.ts';
import { timestepEmbedding } from '../model/time-features.ts';
import { initialState, SLOT, STATE_SIZE } from '../ops/step-state.ts';
import { loraLayout } from '../plan/plan.ts';
import { type Programs, programs } from '../plan/programs.ts';
import type { DType } from '../tensor/tensor.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import type {
  LoraModule,
  LoraWeights,
  MicroStep,
  OptimizerSettings,
  StepReport,
  TrainingState,
  UNetEngine,
  UNetInputs,
} from './engine-types.ts';
import { flatten, loraModules, unflatten } from './flat-lora.ts';
import { latentsToNhwc, nhwcToLatents } from './latents.ts';
import { Pipelines } from './pipelines.ts';
import { Program } from './program.ts';
import { Readback } from './readback.ts';
import { type EngineBuffers, reserve } from './reserve.ts';
import { type GpuWeights, uploadWeights } from './weights.ts';

export interface EngineOptions {
  config: UNetConfig;
  /** A checkpoint to upload, or weights that are on the device already (they stay there when the engine is destroyed). */
  weights: TensorSource | GpuWeights;
  height: number; // of the latents
  width: number;
  batch?: number; // default 1; training runs a batch as micro-steps of batch 1
  rank: number; // 0: no adapter
  alpha: number;
  activations: DType;
  recompute: 'on' | 'off' | 'auto';
  /** batch × accumulate of one optimizer step. */
  micro?: number;
  /** Absent: the engine draws and measures, but does not train. */
  optimizer?: OptimizerSettings;
  gemmVariant?: Target['gemmVariant'];
  /** false: no two tensors share memory (for tests). */
  reuse?: boolean;
  pipelines?: Pipelines;
  onProgress?: (progress: { phase: 'weights' | 'kernels'; done: number; total: number }) => void;
}

/** Loss scale for f16 gradients: torch.amp.GradScaler's defaults. With f32 activations it is 1 and stays. */
const LOSS_SCALE = { first: 2 ** 16, largest: 2 ** 24, growthInterval: 2000 };

/** The graphs of a run; what `npm run plan` prints and the engine replays. */
export function engineGraphs(o: Omit<EngineOptions, 'weights'>): Record<string, BuiltGraph> {
  const options = {
    config: o.config,
    batch: o.batch ?? 1,
    height: o.height,
    width: o.width,
    activations: o.activations,
    rank: o.rank,
  };
  const graphs: Record<string, BuiltGraph> = { predict: predictGraph(options), evaluate: lossGraph(options, 0) };
  if (!o.optimizer) return graphs;
  const train = lossGraph(options, 1 / (o.micro ?? 1));
  const lora = loraLayout(train.graph.tensors.filter((t) => t.kind === 'lora'));
  const { clip, beta1, beta2, epsilon, weightDecay, learningRates } = o.optimizer;
  const dynamic = {
    dynamicLossScale: o.activations === 'f16',
    growthInterval: LOSS_SCALE.growthInterval,
    largestScale: LOSS_SCALE.largest,
  };
  return {
    ...graphs,
    train,
    update: updateGraph(lora.bytes / 4, learningRates.length, { clip, beta1, beta2, epsilon, weightDecay, ...dynamic }),
  };
}

/** Tile sizes by shape: big tiles where they still make enough workgroups to fill a GPU; no workgroup memory where it is emulated. */
export const gemmVariantFor =
  (software: boolean) =>
  (m: number, n: number, _k: number, batch: number): GemmVariant =>
    software ? 'registers' : Math.ceil(m / 64) * Math.ceil(n / 64) * batch >= 64 ? 'tile64' : 'tile32';

/**
 * @throws Trouble 'out-of-memory' when the device cannot hold what the plan needs, 'file-damaged' when a tensor is missing or mis-shaped.
 */
export async function createEngine(device: GPUDevice, options: EngineOptions): Promise<Engine> {
  const target: Target = {
    maxBindingBytes: device.limits.maxStorageBufferBindingSize,
    gemmVariant: options.gemmVariant ?? gemmVariantFor(false),
  };
  const built = programs(engineGraphs(options), {
    target,
    recompute: options.recompute,
    micro: options.micro ?? 1,
    ...(options.reuse === undefined ? {} : { reuse: options.reuse }),
  });
  const pipelines = options.pipelines ?? new Pipelines(device);
  const launches = Object.values(built.plans).flatMap((p) => p.dispatches.map((d) => d.launch));
  await pipelines.prepare(launches, (done, total) => options.onProgress?.({ phase: 'kernels', done, total }));
  const buffers = await reserve(device, built);
  const shared = 'buffers' in options.weights;
  const weights = shared
    ? (options.weights as GpuWeights)
    : await uploadWeights(device, built.weights, options.weights as TensorSource, (done, total) =>
        options.onProgress?.({ phase: 'weights', done, total }),
      );
  return new Engine(device, options, built, buffers, weights, shared, pipelines);
}

export class Engine implements UNetEngine {
  readonly modules: readonly LoraModule[];
  readonly lost: Promise<GPUDeviceLostInfo>;
  readonly #programs: Record<string, Program>;
  readonly #readback: Readback;
  readonly #checkpoint: GPUBuffer;

  constructor(
    readonly device: GPUDevice,
    readonly options: EngineOptions,
    readonly built: Programs,
    readonly buffers: EngineBuffers,
    readonly weights: GpuWeights,
    readonly weightsAreShared: boolean,
    pipelines: Pipelines,
  ) {
    const named = (name: string): GPUBuffer => {
      const buffer = name.startsWith('weight:') ? weights.buffers.get(name.slice('weight:'.length)) : buffers.get(name);
      if (!buffer) throw new Error(`${name} was not reserved`);
      return buffer;
    };
    this.#programs = Object.fromEntries(
      Object.entries(built.plans).map(([name, plan]) => [name, new Program(device, plan, pipelines, named)]),
    );
    this.#readback = new Readback(device, built.readback.slots, built.readback.slotBytes);
    this.#checkpoint = device.createBuffer({
      label: 'checkpoint',
      size: built.readback.checkpointBytes,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    this.modules = loraModules(built);
    this.lost = device.lost;
    this.resetState();
    if (options.optimizer)
      device.queue.writeBuffer(buffers.get('state:learning_rates') as GPUBuffer, 0, options.optimizer.learningRates);
  }

  get gpuBytes() {
    return this.built.bytes;
  }
  get flopsPerStep(): number {
    return (this.built.plans.train?.flops ?? 0) * (this.options.micro ?? 1);
  }
  get dispatchesPerStep(): number {
    return (
      (this.built.plans.train?.dispatches.length ?? 0) * (this.options.micro ?? 1) +
      (this.built.plans.update?.dispatches.length ?? 0)
    );
  }

  async predict(inputs: UNetInputs, strength: number): Promise<Float32Array> {
    const program = this.program('predict');
    const slot = await this.#readback.slot();
    this.#write(program, inputs, strength);
    const { offset, bytes } = program.io(IO.noisePred);
    program.submit((e) => e.copyBufferToBuffer(this.#io, offset, slot, 0, bytes));
    return nhwcToLatents(new Float32Array(await this.#readback.take(slot, bytes)), this.#latents);
  }

  async evaluate(inputs: MicroStep, strength: number): Promise<number> {
    const program = this.program('evaluate');
    const slot = await this.#readback.slot();
    this.#write(program, inputs, strength);
    program.submit((e) => e.copyBufferToBuffer(this.#io, program.io(IO.loss).offset, slot, 0, 4));
    return new Float32Array(await this.#readback.take(slot, 4))[0] as number;
  }

  async step(micro: readonly MicroStep[]): Promise<StepReport> {
    const expected = this.options.micro ?? 1;
    if (micro.length !== expected)
      throw new Error(`step: the engine was made for ${expected} micro-steps, got ${micro.length}`);
    const train = this.program('train');
    const slot = await this.#readback.slot();
    const bytes = 4 * (STATE_SIZE + expected);
    micro.forEach((inputs, i) => {
      this.#write(train, inputs, 1);
      train.submit((e) => e.copyBufferToBuffer(this.#io, train.io(IO.loss).offset, slot, 4 * (STATE_SIZE + i), 4));
    });
    this.program('update').submit((e) =>
      e.copyBufferToBuffer(this.buffers.get('state:step') as GPUBuffer, 0, slot, 0, 4 * STATE_SIZE),
    );
    const values = new Float32Array(await this.#readback.take(slot, bytes));
    const at = (name: keyof typeof SLOT): number => values[SLOT[name]] as number;
    const losses = values.subarray(STATE_SIZE, STATE_SIZE + expected);
    return {
      step: at('step'),
      loss: losses.reduce((a, b) => a + b, 0) / expected,
      gradientNorm: at('gradientNorm'),
      learningRate: at('learningRate'),
      skipped: at('finite') === 0,
    };
  }

  /** One forward and backward pass of the whole batch, for goldens: noise_pred and loss as they are, gradients by LoRA key, unscaled. */
  async gradients(
    inputs: MicroStep & { timesteps?: readonly number[] },
  ): Promise<{ noisePred: Float32Array; loss: number; gradients: LoraWeights }> {
    const train = this.program('train');
    const lossScale = this.options.activations === 'f16' ? LOSS_SCALE.first : 1;
    const encoder = this.device.createCommandEncoder();
    encoder.clearBuffer(this.buffers.get('grads') as GPUBuffer);
    this.device.queue.submit([encoder.finish()]);
    this.resetState();
    this.#write(train, inputs, 1);
    const { offset, bytes } = train.io(IO.noisePred);
    const [slot, other] = [await this.#readback.slot(), await this.#readback.slot()];
    train.submit((e) => {
      e.copyBufferToBuffer(this.#io, offset, slot, 0, bytes);
      e.copyBufferToBuffer(this.#io, train.io(IO.loss).offset, other, 0, 4);
      e.copyBufferToBuffer(this.buffers.get('grads') as GPUBuffer, 0, this.#checkpoint, 0, this.built.lora.bytes);
    });
    const noisePred = nhwcToLatents(new Float32Array(await this.#readback.take(slot, bytes)), this.#latents);
    const loss = new Float32Array(await this.#readback.take(other, 4))[0] as number;
    const flat = (await this.#mapped(this.built.lora.bytes)).map((v) => v / lossScale);
    return { noisePred, loss, gradients: unflatten(flat, this.modules, this.built.lora, this.options.rank) };
  }

  async readLora(): Promise<LoraWeights> {
    return unflatten((await this.readState()).lora, this.modules, this.built.lora, this.options.rank);
  }
  writeLora(weights: LoraWeights): void {
    this.device.queue.writeBuffer(
      this.buffers.get('lora') as GPUBuffer,
      0,
      flatten(weights, this.modules, this.built.lora, this.options.rank),
    );
  }

  async readState(): Promise<TrainingState> {
    const { bytes } = this.built.lora;
    const encoder = this.device.createCommandEncoder();
    const parts: [string, number][] = [
      ['lora', bytes],
      ...(this.options.optimizer
        ? ([
            ['state:m', bytes],
            ['state:v', bytes],
          ] as [string, number][])
        : []),
      ['state:step', 4 * STATE_SIZE],
    ];
    const offsets: number[] = [];
    let end = 0;
    for (const [name, size] of parts) {
      encoder.copyBufferToBuffer(this.buffers.get(name) as GPUBuffer, 0, this.#checkpoint, end, size);
      offsets.push(end / 4);
      end += size;
    }
    this.device.queue.submit([encoder.finish()]);
    const all = await this.#mapped(end);
    const part = (name: string): Float32Array => {
      const i = parts.findIndex(([n]) => n === name);
      return i < 0
        ? new Float32Array(0)
        : all.slice(offsets[i], (offsets[i] as number) + (parts[i]?.[1] as number) / 4);
    };
    return {
      lora: part('lora'),
      firstMoment: part('state:m'),
      secondMoment: part('state:v'),
      stepState: part('state:step'),
    };
  }
  writeState(state: TrainingState): void {
    const put = (name: string, values: Float32Array): void => {
      if (values.length > 0)
        this.device.queue.writeBuffer(this.buffers.get(name) as GPUBuffer, 0, values as Float32Array<ArrayBuffer>);
    };
    put('lora', state.lora);
    put('state:m', state.firstMoment);
    put('state:v', state.secondMoment);
    put('state:step', state.stepState);
  }

  /** Step 0: moments and gradients are zero because fresh buffers are. */
  resetState(): void {
    this.device.queue.writeBuffer(
      this.buffers.get('state:step') as GPUBuffer,
      0,
      initialState(this.options.activations === 'f16' ? LOSS_SCALE.first : 1),
    );
  }

  destroy(): void {
    this.buffers.destroy();
    this.#readback.destroy();
    this.#checkpoint.destroy();
    for (const program of Object.values(this.#programs)) program.dims.destroy();
    if (!this.weightsAreShared) this.weights.destroy();
  }

  get #io(): GPUBuffer {
    return this.buffers.get('io') as GPUBuffer;
  }
  get #latents() {
    return {
      batch: this.options.batch ?? 1,
      channels: this.options.config.inChannels,
      height: this.options.height,
      width: this.options.width,
    };
  }
  program(name: string): Program {
    const program = this.#programs[name];
    if (!program) throw new Error(`this engine was made without an optimizer: it cannot "${name}"`);
    return program;
  }

  async #mapped(bytes: number): Promise<Float32Array<ArrayBuffer>> {
    await this.#checkpoint.mapAsync(GPUMapMode.READ, 0, bytes);
    const copy = new Float32Array(this.#checkpoint.getMappedRange(0, bytes).slice(0));
    this.#checkpoint.unmap();
    return copy;
  }

  /** Writes a program's inputs. Queue order keeps them apart from runs already submitted. */
  #write(
    program: Program,
    inputs: UNetInputs & { target?: Float32Array; timesteps?: readonly number[] },
    strength: number,
  ): void {
    const put = (name: string, values: Float32Array): void => {
      const region = program.io(name);
      if (values.byteLength !== region.bytes)
        throw new Error(`${name}: expected ${region.bytes / 4} values, got ${values.length}`);
      this.device.queue.writeBuffer(this.#io, region.offset, values as Float32Array<ArrayBuffer>);
    };
    const dim = this.options.config.blockOutChannels[0] as number;
    const timesteps = inputs.timesteps ?? [inputs.timestep];
    const features = timesteps.map((t) => timestepEmbedding(t, dim, { flipSinToCos: true, freqShift: 0 }));
    put(IO.sample, latentsToNhwc(inputs.sample, this.#latents));
    put(IO.timeFeatures, Float32Array.from(features.flatMap((f) => [...f])));
    put(IO.encoderHiddenStates, inputs.encoderHiddenStates);
    if (inputs.target && program.plan.io.has(IO.target)) put(IO.target, latentsToNhwc(inputs.target, this.#latents));
    if (this.options.rank > 0)
      put(IO.loraScale, new Float32Array([(this.options.alpha / this.options.rank) * strength]));
  }
}
