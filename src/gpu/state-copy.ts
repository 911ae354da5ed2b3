// state-copy: the flat LoRA buffers, moments and step state ↔ plain arrays, through one staging buffer made up front.
import { STATE_SIZE } from '../ops/step-state.ts';
import type { Programs } from '../plan/programs.ts';
import type { TrainingState } from './engine-types.ts';
import type { Lane } from './lane.ts';
import type { EngineBuffers } from './reserve.ts';
import type { Turns } from './turns.ts';

/** What copies and clearing cost: nothing to speak of. */
export const COPYING = { flops: 0, dispatches: 0 };

type Five<T> = [T, T, T, T, T];

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
    const { lora, moments } = this.built;
    const whole = this.trains && !moments ? lora.bytes : 0;
    const [values, firstMoment, secondMoment, stepState, packed] = (await this.#copy([
      ['lora', lora.bytes],
      ['state:m', whole],
      ['state:v', whole],
      ['state:step', 4 * STATE_SIZE],
      ['state:moments', moments ? 4 * moments.words : 0],
    ])) as Five<Float32Array<ArrayBuffer>>;
    const state = { lora: values, firstMoment, secondMoment, stepState };
    return moments ? { ...state, moments: new Uint32Array(packed.buffer) } : state;
  }

  write({ lora, firstMoment, secondMoment, stepState, moments = new Uint32Array() }: TrainingState): void {
    const parts = {
      lora,
      'state:m': firstMoment,
      'state:v': secondMoment,
      'state:step': stepState,
      'state:moments': moments,
    };
    for (const [name, values] of Object.entries(parts))
      if (values.length > 0)
        this.lane.device.queue.writeBuffer(this.buffers.get(name) as GPUBuffer, 0, values as Float32Array<ArrayBuffer>);
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
