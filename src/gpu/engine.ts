// engine: a U-Net config, weights and settings → a UNetEngine. Reserves everything, compiles everything; then only replays.
import { IO } from '../model/graphs.ts';
import { timestepEmbedding } from '../model/time-features.ts';
import { initialState, SLOT, STATE_SIZE } from '../ops/step-state.ts';
import type { Programs } from '../plan/programs.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import { type EngineOptions, enginePrograms, LOSS_SCALE, rateTable } from './engine-plan.ts';
import type {
  LoraModule,
  LoraWeights,
  MicroStep,
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
import { StateCopy } from './state-copy.ts';
import { SubmitPace } from './submit-pace.ts';
import { type GpuWeights, uploadWeights } from './weights.ts';

/**
 * Memory first, so that what does not fit is said before anything is compiled; weights before all else, as an upload needs some for itself.
 * @throws Trouble 'out-of-memory' when the device cannot hold what the plan needs, 'file-damaged' when a tensor is missing or mis-shaped.
 */
export async function createEngine(device: GPUDevice, options: EngineOptions): Promise<Engine> {
  const built = enginePrograms(options, device.limits.maxStorageBufferBindingSize);
  const shared = 'buffers' in options.weights;
  const weights = shared
    ? (options.weights as GpuWeights)
    : await uploadWeights(device, built.weights, options.weights as TensorSource, (done, total) =>
        options.onProgress?.({ phase: 'weights', done, total }),
      );
  let buffers: EngineBuffers | undefined;
  try {
    buffers = await reserve(device, built);
    const pipelines = options.pipelines ?? new Pipelines(device);
    const launches = Object.values(built.plans).flatMap((p) => p.dispatches.map((d) => d.launch));
    await pipelines.prepare(launches, (done, total) => options.onProgress?.({ phase: 'kernels', done, total }));
    return new Engine(device, options, built, buffers, weights, shared, pipelines);
  } catch (error) {
    buffers?.destroy();
    if (!shared) weights.destroy();
    throw error;
  }
}

export class Engine implements UNetEngine {
  readonly modules: readonly LoraModule[];
  readonly lost: Promise<GPUDeviceLostInfo>;
  readonly #programs: Record<string, Program>;
  readonly #readback: Readback;
  readonly #state: StateCopy;

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
    const pace = options.pace ?? new SubmitPace(device.queue);
    this.#programs = Object.fromEntries(
      Object.entries(built.plans).map(([name, plan]) => [
        name,
        new Program(device, plan, pipelines, named(`dims:${name}`), named, pace),
      ]),
    );
    this.#readback = new Readback(Array.from({ length: built.readback.slots }, (_, i) => named(`readback:${i}`)));
    this.#state = new StateCopy(device, buffers, built, options.optimizer !== undefined);
    this.modules = loraModules(built);
    this.lost = device.lost;
    this.resetState();
    const rates = buffers.get('state:learning_rates');
    if (options.optimizer && rates) device.queue.writeBuffer(rates, 0, rateTable(options.optimizer.learningRates));
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

  /**
   * One forward and backward pass of the whole batch, for goldens: noise_pred and loss as they are, gradients unscaled. Where f16 gradients
   * overflow, the loss scale falls until they do not, as it would over the first steps of a run. The run starts anew.
   */
  async gradients(
    inputs: MicroStep & { timesteps?: readonly number[] },
  ): Promise<{ noisePred: Float32Array; loss: number; gradients: LoraWeights }> {
    const train = this.program('train');
    for (let lossScale = this.#lossScale; ; lossScale /= 2) {
      const [slot, other] = [await this.#readback.slot(), await this.#readback.slot()];
      this.resetState(lossScale);
      this.#write(train, inputs, 1);
      const { offset, bytes } = train.io(IO.noisePred);
      train.submit((e) => {
        e.copyBufferToBuffer(this.#io, offset, slot, 0, bytes);
        e.copyBufferToBuffer(this.#io, train.io(IO.loss).offset, other, 0, 4);
      });
      const noisePred = nhwcToLatents(new Float32Array(await this.#readback.take(slot, bytes)), this.#latents);
      const loss = new Float32Array(await this.#readback.take(other, 4))[0] as number;
      const scaled = await this.#state.flat('grads');
      this.resetState();
      if (lossScale > 1 && Number.isFinite(loss) && !scaled.every(Number.isFinite)) continue;
      return { noisePred, loss, gradients: this.#unflatten(scaled.map((v) => v / lossScale)) };
    }
  }

  async readLora(): Promise<LoraWeights> {
    return this.#unflatten(await this.#state.flat('lora'));
  }
  writeLora(weights: LoraWeights): void {
    const flat = flatten(weights, this.modules, this.built.lora, this.options.rank);
    this.device.queue.writeBuffer(this.buffers.get('lora') as GPUBuffer, 0, flat);
  }
  readState(): Promise<TrainingState> {
    return this.#state.read();
  }
  writeState(state: TrainingState): void {
    this.#state.write(state);
  }

  /** Step 0, and no gradients left over. Moments need no reset: fresh buffers are zero. */
  resetState(lossScale = this.#lossScale): void {
    this.device.queue.writeBuffer(this.buffers.get('state:step') as GPUBuffer, 0, initialState(lossScale));
    const grads = this.buffers.get('grads');
    if (!grads) return;
    const encoder = this.device.createCommandEncoder();
    encoder.clearBuffer(grads);
    this.device.queue.submit([encoder.finish()]);
  }

  destroy(): void {
    this.buffers.destroy();
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
  get #lossScale(): number {
    return this.options.activations === 'f16' ? LOSS_SCALE.first : 1;
  }
  #unflatten(flat: Float32Array): LoraWeights {
    return unflatten(flat, this.modules, this.built.lora, this.options.rank);
  }
  program(name: string): Program {
    const program = this.#programs[name];
    if (!program) throw new Error(`this engine was made without an optimizer: it cannot "${name}"`);
    return program;
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
