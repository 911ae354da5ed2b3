// A fake GPUDevice over nothing: the calls that the engine makes in; bytes, time, refusals, late errors and losses out, as its habits are.
import { FakeBuffer } from './buffers.ts';
import { type FakeBindGroup, FakeEncoder, type FakePipeline } from './commands.ts';
import type { Habits } from './habits.ts';
import { Kernels } from './kernels.ts';
import { FakeQueue } from './queue.ts';
import type { FakeTime } from './time.ts';

/** WebGPU's constants, which Node has not. */
export const constants = {
  GPUBufferUsage: {
    ...{ MAP_READ: 1, MAP_WRITE: 2, COPY_SRC: 4, COPY_DST: 8, INDEX: 16, VERTEX: 32, UNIFORM: 64, STORAGE: 128 },
    ...{ INDIRECT: 256, QUERY_RESOLVE: 512 },
  },
  GPUMapMode: { READ: 1, WRITE: 2 },
};

export class FakeDevice extends EventTarget {
  readonly queue = new FakeQueue(this);
  readonly kernels = new Kernels();
  readonly features = new Set<string>();
  readonly lost: Promise<GPUDeviceLostInfo>;
  calls = 0;
  liveBytes = 0;
  /** What was destroyed and is not free yet. */
  pendingBytes = 0;
  errors: string[] = [];
  isLost = false;
  /** When its loss was no doing of the page's. */
  lostAt: number | null = null;
  #askedBytes = 0;
  #tellLost: (info: GPUDeviceLostInfo) => void = () => {};
  readonly #scopes: { filter: GPUErrorFilter; error: string | null }[] = [];
  readonly #groups = new Map<FakeBuffer, number>();

  constructor(
    readonly time: FakeTime,
    public habits: Habits,
  ) {
    super();
    time.tickMs = habits.clockMs;
    this.lost = new Promise((resolve) => {
      this.#tellLost = resolve;
    });
  }

  /** As the engine's types have it. */
  get gpu(): GPUDevice {
    return this as unknown as GPUDevice;
  }
  get limits() {
    return this.habits.limits;
  }

  /** Counts a call; true where the device is lost. */
  call(_name: string): boolean {
    this.calls++;
    if (!this.isLost && this.habits.loss && this.calls >= this.habits.loss.call)
      this.lose('unknown', 'the driver was reset');
    return this.isLost;
  }
  lose(reason: GPUDeviceLostReason, message: string): void {
    if (this.isLost) return;
    this.isLost = true;
    if (reason !== 'destroyed') this.lostAt = this.time.ms;
    this.queue.failAll();
    const told = this.habits.loss?.toldMs ?? 0;
    this.time.at(this.time.ms + told, () => this.#tellLost({ reason, message } as GPUDeviceLostInfo));
  }
  lostError = (): Error => new DOMException('the device is lost', 'OperationError');

  /** An error outside of every scope, told to whoever listens. */
  error(message: string, afterMs = 0): void {
    const scope = this.#scopes.findLast(({ filter }) => filter === 'validation');
    if (scope) {
      scope.error ??= message;
      return;
    }
    this.errors.push(message);
    const event = Object.assign(new Event('uncapturederror'), { error: { message } });
    this.time.at(this.time.ms + afterMs, () => this.dispatchEvent(event));
  }

  createBuffer(descriptor: GPUBufferDescriptor): FakeBuffer {
    const lost = this.call('createBuffer');
    const { size, label } = descriptor;
    const { memory, limits } = this.habits;
    const falseAlarm = this.#askedBytes < memory.falseAlarm;
    this.#askedBytes += size;
    const full = !memory.pages && this.liveBytes + this.pendingBytes + size > memory.capacity;
    const refused = !lost && (falseAlarm || full || size > limits.maxBufferSize);
    if (refused) {
      const scope = this.#scopes.findLast(({ filter }) => filter === 'out-of-memory');
      if (scope) scope.error ??= `no room for ${label}`;
      else this.error(`no room for ${label}`);
    } else this.liveBytes += size;
    return new FakeBuffer(this.queue, descriptor, () => {
      if (refused) return;
      this.liveBytes -= size;
      if (memory.freesLate) this.pendingBytes += size;
    });
  }
  /** The queue has got to where somebody waited for: what was destroyed is free. */
  freed(): void {
    this.pendingBytes = 0;
  }

  pushErrorScope(filter: GPUErrorFilter): void {
    this.call('pushErrorScope');
    this.#scopes.push({ filter, error: null });
  }
  popErrorScope(): Promise<GPUError | null> {
    const lost = this.call('popErrorScope');
    const scope = this.#scopes.pop();
    return new Promise((resolve, reject) => {
      this.time.at(this.time.ms + 0.2, () => {
        if (lost) reject(this.lostError());
        else resolve(scope?.error ? ({ message: scope.error } as GPUError) : null);
      });
    });
  }

  createShaderModule({ code }: GPUShaderModuleDescriptor) {
    this.call('createShaderModule');
    return { code, getCompilationInfo: async () => ({ messages: [] }) };
  }
  createBindGroupLayout(): object {
    this.call('createBindGroupLayout');
    return {};
  }
  createPipelineLayout(): object {
    return {};
  }
  createComputePipelineAsync({ label = '', compute }: GPUComputePipelineDescriptor): Promise<FakePipeline> {
    const lost = this.call('createComputePipelineAsync');
    const { code } = compute.module as unknown as { code: string };
    const operands = [...code.matchAll(/@binding\((\d+)\) var<storage, \w+> (\w+?)_data/g)];
    const stored = operands.filter(([, , name]) => code.includes(`fn store_${name}(`));
    const writes = new Set(stored.map(([, binding]) => Number(binding)));
    return new Promise((resolve, reject) => {
      this.time.at(this.time.ms + 1, () => {
        if (lost) reject(this.lostError());
        else resolve({ label, code, writes, getBindGroupLayout: () => ({}) });
      });
    });
  }
  createBindGroup({ entries }: GPUBindGroupDescriptor): FakeBindGroup {
    this.call('createBindGroup');
    const bound = [...entries].map(({ binding, resource }) => {
      const {
        buffer,
        offset = 0,
        size,
      } = resource as unknown as { buffer: FakeBuffer; offset?: number; size?: number };
      return { binding, buffer, offset, size: size ?? buffer.size - offset };
    });
    const dims = bound.map(({ buffer }) => buffer).find(({ label }) => label.startsWith('dims:'));
    if (!dims) return { entries: bound, place: null };
    const index = this.#groups.get(dims) ?? 0;
    this.#groups.set(dims, index + 1);
    return { entries: bound, place: { program: dims.label, index } };
  }
  createCommandEncoder(): FakeEncoder {
    this.call('createCommandEncoder');
    return new FakeEncoder();
  }
  destroy(): void {
    this.lose('destroyed', 'destroyed');
  }
}
