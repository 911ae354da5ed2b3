// state-copy: the flat LoRA buffers, moments and step state ↔ plain arrays, through one staging buffer made up front.
import { STATE_SIZE } from '../ops/step-state.ts';
import type { Programs } from '../plan/programs.ts';
import type { TrainingState } from './engine-types.ts';
import type { Lane } from './lane.ts';
import type { EngineBuffers } from './reserve.ts';
import type { Turns } from './turns.ts';

/** Everything a run needs to go on, by buffer name. */
const PARTS = { lora: 'lora', firstMoment: 'state:m', secondMoment: 'state:v', stepState: 'state:step' } as const;

/** What copies and clearing cost: nothing to speak of. */
export const COPYING = { flops: 0, dispatches: 0 };

export class StateCopy {
  readonly #staging: GPUBuffer;
  #busy: Promise<void> = Promise.resolve();

  /** @param trains whether there are moments to copy. */
  constructor(
    readonly lane: Lane,
    readonly turns: Turns,
    readonly buffers: EngineBuffers,
    readonly built: Programs,
    readonly trains: boolean,
  ) {
    this.#staging = buffers.get('checkpoint') as GPUBuffer;
  }

  /** One flat buffer: `lora` or `grads`. */
  async flat(name: 'lora' | 'grads'): Promise<Float32Array<ArrayBuffer>> {
    const [values] = await this.#copy([[name, this.built.lora.bytes]]);
    return values as Float32Array<ArrayBuffer>;
  }

  /** As of all work submitted so far. Moments are empty where the engine does not train. */
  async read(): Promise<TrainingState> {
    const { bytes } = this.built.lora;
    const moments = this.trains ? bytes : 0;
    const sizes = { lora: bytes, firstMoment: moments, secondMoment: moments, stepState: 4 * STATE_SIZE };
    const names = Object.keys(PARTS) as (keyof typeof PARTS)[];
    const values = await this.#copy(names.map((name) => [PARTS[name], sizes[name]]));
    return Object.fromEntries(names.map((name, i) => [name, values[i]])) as unknown as TrainingState;
  }

  write(state: TrainingState): void {
    for (const [name, buffer] of Object.entries(PARTS) as [keyof typeof PARTS, string][]) {
      const values = state[name] as Float32Array<ArrayBuffer>;
      if (values.length > 0) this.lane.device.queue.writeBuffer(this.buffers.get(buffer) as GPUBuffer, 0, values);
    }
  }

  /** In its turn; one copy after another, as there is one staging buffer. */
  async #copy(parts: readonly (readonly [string, number])[]): Promise<Float32Array<ArrayBuffer>[]> {
    const { device, waits } = this.lane;
    let free = (): void => {};
    let end = 0;
    try {
      await this.turns.take(async () => {
        const before = this.#busy;
        this.#busy = new Promise((resolve) => {
          free = resolve;
        });
        await before;
        await this.lane.room(COPYING);
        const encoder = device.createCommandEncoder();
        for (const [name, bytes] of parts) {
          if (bytes > 0) encoder.copyBufferToBuffer(this.buffers.get(name) as GPUBuffer, 0, this.#staging, end, bytes);
          end += bytes;
        }
        this.lane.submit([encoder.finish()], COPYING);
      });
      await waits.until(this.#staging.mapAsync(0x1, 0, end)); // GPUMapMode.READ
      const all = this.#staging.getMappedRange(0, end).slice(0);
      this.#staging.unmap();
      let at = 0;
      return parts.map(([, bytes]) => {
        at += bytes;
        return new Float32Array(all, at - bytes, bytes / 4).slice();
      });
    } finally {
      free();
    }
  }
}
