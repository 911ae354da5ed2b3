// engine: plans, buffers and weights on a device → a UNetEngine. Nothing is allocated or compiled here; it only replays.
import { IO } from '../model/graphs.ts';
import { initialState, SLOT, STATE_SIZE } from '../ops/step-state.ts';
import type { Programs } from '../plan/programs.ts';
import { type EngineOptions, LOSS_SCALE, passesOf } from './engine-plan.ts';
import type {
  Lent,
  LoraModule,
  LoraWeights,
  MicroStep,
  StepReport,
  TrainingState,
  UNetEngine,
  UNetInputs,
} from './engine-types.ts';
import { flatten, loraModules, unflatten } from './flat-lora.ts';
import { latentsOf, type ProgramInputs, writeInputs } from './inputs.ts';
import { type Lane, laneOf } from './lane.ts';
import { nhwcToLatents } from './latents.ts';
import { Losses } from './losses.ts';
import type { Pipelines } from './pipelines.ts';
import { Program } from './program.ts';
import { Readback } from './readback.ts';
import type { EngineBuffers } from './reserve.ts';
import { COPYING, StateCopy } from './state-copy.ts';
import { writeTables } from './tables.ts';
import { Turns } from './turns.ts';
import type { GpuWeights } from './weights.ts';

export class Engine implements UNetEngine {
  readonly modules: readonly LoraModule[];
  readonly lost: Promise<GPUDeviceLostInfo>;
  readonly #programs: Record<string, Program>;
  readonly #readback: Readback;
  readonly #losses: Losses;
  readonly #state: StateCopy;
  readonly #lane: Lane;
  /** Programs share the arena and the inputs' buffer: whoever writes or submits does so when what was asked before has been submitted whole. */
  readonly #turns = new Turns();
  #destroyed = false;

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
    this.#lane = options.lane ?? laneOf(device);
    this.#programs = Object.fromEntries(
      Object.entries(built.plans).map(([name, plan]) => [
        name,
        new Program(device, plan, pipelines, named(`dims:${name}`), named, this.#lane),
      ]),
    );
    const slots = Array.from({ length: built.readback.slots }, (_, i) => named(`readback:${i}`));
    this.#readback = new Readback(slots, this.#lane.waits);
    this.#losses = new Losses(this.#readback, built.readback.slotBytes / 4);
    this.#state = new StateCopy(this.#lane, this.#turns, buffers, built, options.optimizer !== undefined);
    this.modules = loraModules(built);
    this.lost = device.lost;
    this.resetState();
    writeTables(device, buffers, built, options.optimizer);
  }

  get gpuBytes() {
    return this.built.bytes;
  }
  get flopsPerStep(): number {
    return (this.built.plans.train?.flops ?? 0) * passesOf(this.options);
  }
  get dispatchesPerStep(): number {
    return (
      (this.built.plans.train?.dispatches.length ?? 0) * passesOf(this.options) +
      (this.built.plans.update?.dispatches.length ?? 0)
    );
  }

  predict(inputs: UNetInputs, strength: number): Promise<Float32Array> {
    const program = this.program('predict');
    const { offset, bytes } = program.io(IO.noisePred);
    return this.#asked(bytes, async (slot) => {
      this.#write(program, inputs, strength);
      await program.submit((e) => e.copyBufferToBuffer(this.#io, offset, slot, 0, bytes));
    }).then((values) => nhwcToLatents(values, latentsOf(this.options)));
  }

  evaluate(inputs: MicroStep, strength: number): Promise<number> {
    const program = this.program('evaluate');
    return this.#lane.faults.guard(() =>
      this.#losses.ask((copyTo) =>
        this.#turns.take(async () => {
          const { slot, offset } = await copyTo();
          this.#write(program, inputs, strength);
          await program.submit((e) => e.copyBufferToBuffer(this.#io, program.io(IO.loss).offset, slot, offset, 4));
        }),
      ),
    );
  }

  async step(micro: readonly MicroStep[], signal?: AbortSignal): Promise<StepReport> {
    const expected = passesOf(this.options);
    if (micro.length < 1 || micro.length > expected)
      throw new Error(`step: the engine was made for ${expected} micro-steps, got ${micro.length}`);
    const values = await this.#asked(4 * (STATE_SIZE + micro.length), async (slot) => {
      await this.#gradientsOf(micro, slot, signal);
      // From here on the step is taken whole: a part of an update would leave neither the old adapter nor the new one.
      await this.program('update').submit((e) =>
        e.copyBufferToBuffer(this.buffers.get('state:step') as GPUBuffer, 0, slot, 0, 4 * STATE_SIZE),
      );
    });
    const at = (name: keyof typeof SLOT): number => values[SLOT[name]] as number;
    const loss = micro.reduce((sum, { weight = 1 }, i) => sum + weight * (values[STATE_SIZE + i] as number), 0);
    return {
      step: at('step'),
      loss: loss / (this.options.micro ?? 1),
      gradientNorm: at('gradientNorm'),
      learningRate: at('learningRate'),
      skipped: at('finite') === 0,
    };
  }

  /** Submits the forward and backward passes of a step; given up, what they have added to the gradients is cleared. */
  async #gradientsOf(micro: readonly MicroStep[], slot: GPUBuffer, signal: AbortSignal | undefined): Promise<void> {
    const train = this.program('train');
    signal?.throwIfAborted();
    try {
      for (const [i, inputs] of micro.entries()) {
        this.#write(train, inputs, 1);
        const toSlot = 4 * (STATE_SIZE + i);
        await train.submit((e) => e.copyBufferToBuffer(this.#io, train.io(IO.loss).offset, slot, toSlot, 4), signal);
      }
      signal?.throwIfAborted();
    } catch (error) {
      await this.#clearGradients();
      throw error;
    }
  }

  /** In its turn: a slot, what `submit` submits with copies into it; then the slot's values, read while others have their turns. */
  #asked(bytes: number, submit: (slot: GPUBuffer) => Promise<void>): Promise<Float32Array> {
    return this.#lane.faults.guard(async () => {
      const slot = await this.#turns.take(async () => {
        const free = await this.#readback.slot();
        try {
          await submit(free);
        } catch (error) {
          this.#readback.release(free);
          throw error;
        }
        return free;
      });
      return new Float32Array(await this.#readback.take(slot, bytes));
    });
  }

  /**
   * One forward and backward pass of the whole batch, for goldens: noise_pred and loss as they are, gradients unscaled. Where f16 gradients
   * overflow, the loss scale falls until they do not, as it would over the first steps of a run. The run starts anew.
   */
  async gradients(
    inputs: MicroStep & { timesteps?: readonly number[] },
  ): Promise<{ noisePred: Float32Array; loss: number; gradients: LoraWeights }> {
    const train = this.program('train');
    const { offset, bytes } = train.io(IO.noisePred);
    for (let lossScale = this.#lossScale; ; lossScale /= 2) {
      const values = await this.#asked(bytes, async (slot) => {
        await this.#reset(lossScale);
        this.#write(train, inputs, 1);
        await train.submit((e) => e.copyBufferToBuffer(this.#io, offset, slot, 0, bytes));
      });
      const noisePred = nhwcToLatents(values, latentsOf(this.options));
      const [loss = Number.NaN] = await this.#asked(4, async (slot) => {
        await this.#lane.room(COPYING);
        const encoder = this.device.createCommandEncoder();
        encoder.copyBufferToBuffer(this.#io, train.io(IO.loss).offset, slot, 0, 4);
        this.#lane.submit([encoder.finish()], COPYING);
      });
      const scaled = await this.#state.flat('grads');
      this.resetState();
      if (lossScale > 1 && Number.isFinite(loss) && !scaled.every(Number.isFinite)) continue;
      return { noisePred, loss, gradients: this.#unflatten(scaled.map((v) => v / lossScale)) };
    }
  }

  async readLora(): Promise<LoraWeights> {
    return this.#unflatten(await this.#lane.faults.guard(() => this.#state.flat('lora')));
  }
  writeLora(weights: LoraWeights): void {
    const flat = flatten(weights, this.modules, this.built.lora, this.options.rank);
    this.#inTurn(() => this.device.queue.writeBuffer(this.buffers.get('lora') as GPUBuffer, 0, flat));
  }
  readState(): Promise<TrainingState> {
    return this.#lane.faults.guard(() => this.#state.read());
  }
  writeState(state: TrainingState): void {
    this.#inTurn(() => this.#state.write(state));
  }

  /** Step 0, and no gradients left over. Moments need no reset: fresh buffers are zero. */
  resetState(lossScale = this.#lossScale): void {
    this.#turns.take(() => this.#reset(lossScale)).catch(() => {}); // a lost device is noticed elsewhere
  }
  async #reset(lossScale: number): Promise<void> {
    if (this.#destroyed) return;
    this.device.queue.writeBuffer(this.buffers.get('state:step') as GPUBuffer, 0, initialState(lossScale));
    await this.#clearGradients();
  }
  async #clearGradients(): Promise<void> {
    const grads = this.buffers.get('grads');
    if (!grads) return;
    await this.#lane.room(COPYING);
    if (this.#destroyed) return;
    const encoder = this.device.createCommandEncoder();
    encoder.clearBuffer(grads);
    this.#lane.submit([encoder.finish()], COPYING);
  }
  /** What is written without waiting: after what was asked before, before what is asked next; not at all where all is destroyed by then. */
  #inTurn(write: () => void): void {
    this.#turns.write(() => {
      if (!this.#destroyed) write();
    });
  }

  lend<T>(work: (lent: Lent) => Promise<T>): Promise<T> {
    const slabs = this.built.slabBytes.map((_, i) => this.buffers.get(`arena:${i}`) as GPUBuffer);
    return this.#turns.take(() => work({ device: this.device, slabs }));
  }

  destroy(): void {
    this.#destroyed = true;
    this.buffers.destroy();
    if (!this.weightsAreShared) this.weights.destroy();
  }
  get #io(): GPUBuffer {
    return this.buffers.get('io') as GPUBuffer;
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

  #write(program: Program, inputs: ProgramInputs, strength: number): void {
    writeInputs(program, this.#io, this.options, inputs, strength);
  }
}
