// bench-program: a workload in; its plans on a device with values to compute on, replayed as a run replays them: timed and read, out.
import { normals } from '../diffusion/random.ts';
import { laneOf } from '../gpu/lane.ts';
import type { Pipelines } from '../gpu/pipelines.ts';
import { Program } from '../gpu/program.ts';
import { replays } from '../gpu/replays.ts';
import { type EngineBuffers, reserve } from '../gpu/reserve.ts';
import { wholeWords } from '../gpu/stored-weights.ts';
import type { KernelChoice } from '../graph/op.ts';
import type { BuiltGraph } from '../model/graphs.ts';
import type { Region } from '../plan/plan.ts';
import { type Programs, programs } from '../plan/programs.ts';
import { fromF16, toF16 } from '../tensor/half.ts';
import { byteLength, numel, type Tensor } from '../tensor/tensor.ts';

/** What a workload computes on: tensors that exist before it runs, by name. */
export type Values = ReadonlyMap<string, Float32Array<ArrayBuffer>>;

/** Standard deviation of a tensor's normal values; or the values themselves. */
export type Fill = (tensor: Tensor) => number | Float32Array<ArrayBuffer>;

/** So many random values, again and again: drawing all of a large weight's takes longer than timing it. A prime, so that no row is like another. */
const BLOCK = 65_537;

/** Values of every tensor that nobody computes, the same for the same graphs; what is stored in f16 is rounded to it. */
export function valuesOf(graphs: Readonly<Record<string, BuiltGraph>>, fill: Fill): Values {
  const given = new Map<string, Float32Array<ArrayBuffer>>();
  for (const tensor of Object.values(graphs).flatMap(({ graph }) => graph.tensors)) {
    const { name, kind, dtype, shape } = tensor;
    if (given.has(name) || name === '*' || !['input', 'weight', 'lora', 'state'].includes(kind)) continue;
    const filled = fill(tensor);
    const values =
      typeof filled === 'number'
        ? normals({ seed: given.size, purpose: 'noise' }, BLOCK).map((value) => filled * value)
        : filled;
    const kept = dtype === 'f16' ? fromF16(toF16(values)) : values;
    given.set(name, typeof filled === 'number' ? tiled(kept, numel(shape)) : kept);
  }
  return given;
}

function tiled(block: Float32Array<ArrayBuffer>, count: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let at = 0; at < count; at += block.length) values.set(block.subarray(0, count - at), at);
  return values;
}

export class BenchProgram {
  readonly #programs: ReadonlyMap<string, Program>;
  /** Runs all of its plans n times, in their order. */
  readonly time;

  private constructor(
    readonly device: GPUDevice,
    readonly built: Programs,
    readonly values: Values,
    pipelines: Pipelines,
    private readonly buffers: EngineBuffers,
    private readonly weights: ReadonlyMap<string, GPUBuffer>,
  ) {
    const lane = laneOf(device);
    const dims = (name: string): GPUBuffer => buffers.get(`dims:${name}`) as GPUBuffer;
    this.#programs = new Map(
      Object.entries(built.plans).map(([name, plan]) => [
        name,
        new Program(device, plan, pipelines, dims(name), (buffer) => this.#buffer(buffer), lane),
      ]),
    );
    this.time = replays([...this.#programs.values()], lane);
    for (const [name, values] of this.values) this.#write(name, values);
  }

  /**
   * Plans, reserves and compiles. A plan with gradients is called `train`.
   * @throws Trouble 'out-of-memory' where the device has no room for it.
   */
  static async make(
    pipelines: Pipelines,
    kernels: KernelChoice,
    graphs: Readonly<Record<string, BuiltGraph>>,
    values: Values,
  ): Promise<BenchProgram> {
    const { device } = pipelines;
    const target = { ...kernels, maxBindingBytes: device.limits.maxStorageBufferBindingSize };
    const built = programs(graphs, { target, recompute: 'off' });
    const buffers = await reserve(device, built);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const weights = new Map(
      [...built.weights].map(([name, t]) => [name, device.createBuffer({ label: name, size: byteLength(t), usage })]),
    );
    await pipelines.prepare(Object.values(built.plans).flatMap((plan) => plan.dispatches.map((d) => d.launch)));
    return new BenchProgram(device, built, values, pipelines, buffers, weights);
  }

  /** Runs one of the plans once and waits. */
  async run(plan: string): Promise<void> {
    const encoder = this.device.createCommandEncoder();
    this.#programs.get(plan)?.encode(encoder);
    this.device.queue.submit([encoder.finish()]);
    await laneOf(this.device).waits.done();
  }

  /** What a tensor holds now: a temporary after its plan has run, and before another, which shares the arena. */
  async read(tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
    const { offset, bytes, buffer } = this.#region(tensor);
    const size = byteLength(tensor);
    const staging = this.device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.#buffer(buffer), offset, staging, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    await laneOf(this.device).waits.until(staging.mapAsync(GPUMapMode.READ));
    const words = staging.getMappedRange().slice(0, size);
    staging.destroy();
    return tensor.dtype === 'f16' ? fromF16(new Uint16Array(words)) : new Float32Array(words);
  }

  destroy(): void {
    this.buffers.destroy();
    for (const buffer of this.weights.values()) buffer.destroy();
  }

  #buffer(name: string): GPUBuffer {
    const found = name.startsWith('weight:') ? this.weights.get(name.slice('weight:'.length)) : this.buffers.get(name);
    if (!found) throw new Error(`no buffer ${name} was made`);
    return found;
  }

  #region({ id, name }: Tensor): Region {
    const dispatches = Object.values(this.built.plans).flatMap((plan) => plan.dispatches);
    const bindings = dispatches.flatMap((dispatch) => dispatch.bindings);
    const found = bindings.findLast(({ tensor }) => tensor.id === id && tensor.name === name);
    if (!found) throw new Error(`no kernel touches ${name}`);
    return found;
  }

  #write(name: string, values: Float32Array<ArrayBuffer>): void {
    const { queue } = this.device;
    const weight = this.weights.get(name);
    const offset = this.built.lora.offsets.get(name);
    if (weight) queue.writeBuffer(weight, 0, wholeWords(toF16(values)));
    else if (offset !== undefined) queue.writeBuffer(this.#buffer('lora'), offset, values);
    else if (this.built.state.has(name)) queue.writeBuffer(this.#buffer(`state:${name}`), 0, values);
    else
      for (const plan of Object.values(this.built.plans)) {
        const region = plan.io.get(name);
        if (region) queue.writeBuffer(this.#buffer('io'), region.offset, values);
      }
  }
}
