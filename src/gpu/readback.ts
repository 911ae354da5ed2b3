// readback: GPU buffers → CPU values through a ring of staging slots made once. A read never stalls what is submitted after it.
import type { Waits } from './waits.ts';

/** Copies into a slot while encoding; resolves with its bytes when the GPU has got there. */
export class Readback {
  #free: GPUBuffer[];
  #waiting: ((slot: GPUBuffer) => void)[] = [];

  /** @param slots mappable buffers of one size. */
  constructor(
    slots: readonly GPUBuffer[],
    readonly waits: Waits,
  ) {
    this.#free = [...slots];
  }

  /** Waits for a free slot: with all of them in flight the caller is far enough ahead. */
  async slot(): Promise<GPUBuffer> {
    const free = this.#free.pop();
    return free ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The first `bytes` of a slot whose copies are submitted; the slot is free again afterwards. */
  async take(slot: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    try {
      await this.waits.until(slot.mapAsync(0x1, 0, bytes)); // GPUMapMode.READ
      const copy = slot.getMappedRange(0, bytes).slice(0);
      slot.unmap();
      return copy;
    } finally {
      this.release(slot);
    }
  }

  /** A slot that nothing will be read from. */
  release(slot: GPUBuffer): void {
    const next = this.#waiting.shift();
    if (next) next(slot);
    else this.#free.push(slot);
  }
}
