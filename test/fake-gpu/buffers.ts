// A fake GPU's buffers: a descriptor in, real bytes out, made when somebody first writes, copies or maps them.
import type { FakeQueue } from './queue.ts';

export class FakeBuffer {
  readonly label: string;
  readonly size: number;
  readonly usage: number;
  mapState: GPUBufferMapState = 'unmapped';
  destroyed = false;
  #bytes: Uint8Array<ArrayBuffer> | null = null;

  constructor(
    readonly queue: FakeQueue,
    { label = '', size, usage }: GPUBufferDescriptor,
    readonly onDestroy: () => void,
  ) {
    this.label = label;
    this.size = size;
    this.usage = usage;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    this.#bytes ??= new Uint8Array(this.size);
    return this.#bytes;
  }
  /** Words of a range; empty where nobody ever wrote. */
  words(offset = 0, size = this.size - offset): Uint32Array<ArrayBuffer> {
    return this.#bytes ? new Uint32Array(this.#bytes.buffer, offset, Math.floor(size / 4)) : new Uint32Array(0);
  }
  floats(offset = 0, size = this.size - offset): Float32Array<ArrayBuffer> {
    return new Float32Array(this.bytes.buffer, offset, Math.floor(size / 4));
  }

  async mapAsync(): Promise<void> {
    if (this.mapState !== 'unmapped' || this.destroyed)
      throw new DOMException(`${this.label} cannot be mapped: it is ${this.destroyed ? 'destroyed' : this.mapState}`);
    this.mapState = 'pending';
    try {
      await this.queue.wait('mapAsync');
      this.mapState = 'mapped';
    } catch (error) {
      this.mapState = 'unmapped';
      throw error;
    }
  }
  getMappedRange(offset = 0, size = this.size - offset): ArrayBuffer {
    if (this.mapState !== 'mapped') throw new DOMException(`${this.label} is not mapped`);
    return this.bytes.slice(offset, offset + size).buffer;
  }
  unmap(): void {
    this.mapState = 'unmapped';
  }
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.onDestroy();
  }
}
