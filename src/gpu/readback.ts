// readback: GPU buffers → CPU values through a ring of staging slots made once. A read never stalls what is submitted after it.

/** Copies into a slot while encoding; resolves with its bytes when the GPU has got there. */
export class Readback {
  #free: GPUBuffer[];
  #waiting: ((slot: GPUBuffer) => void)[] = [];
  readonly #all: GPUBuffer[];

  constructor(device: GPUDevice, slots: number, slotBytes: number) {
    this.#all = Array.from({ length: slots }, () =>
      device.createBuffer({ label: 'readback', size: slotBytes, usage: 0x1 | 0x8 }),
    ); // MAP_READ | COPY_DST
    this.#free = [...this.#all];
  }

  /** Waits for a free slot: with all of them in flight the caller is far enough ahead. */
  async slot(): Promise<GPUBuffer> {
    const free = this.#free.pop();
    return free ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The first `bytes` of a slot whose copies are submitted; the slot is free again afterwards. */
  async take(slot: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    try {
      await slot.mapAsync(0x1, 0, bytes); // GPUMapMode.READ
      const copy = slot.getMappedRange(0, bytes).slice(0);
      slot.unmap();
      return copy;
    } finally {
      const next = this.#waiting.shift();
      if (next) next(slot);
      else this.#free.push(slot);
    }
  }

  destroy(): void {
    for (const slot of this.#all) slot.destroy();
  }
}
