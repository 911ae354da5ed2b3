// What a peer is to the bench: a workload in; the same computed by its public API, timed and read, out. And what Node lacks that the peers expect.

import type { Workload } from '../../src/bench/workload.ts';
import type { Replays } from '../../src/gpu/replays.ts';

/** Which of the compared workloads it is: how the peer writes it down. */
export type Kind = 'gemm' | 'conv' | 'attention' | 'norm' | 'step';
export interface Compared {
  kind: Kind;
  workload: Workload;
}
export interface Prepared {
  time: Replays;
  /** By the names of the workload's results, in its layout. */
  results(): Promise<Map<string, Float32Array>>;
  destroy(): void;
}
export interface Peer {
  name: string; // with its version
  /** null: it has no way to do this. */
  prepare(compared: Compared): Promise<Prepared | null>;
}

/** Where peers look for WebGPU; iterator helpers, which Node 20 lacks; and writes from shared memory, which Dawn in Node refuses. */
export function asInBrowser(gpu: GPU): void {
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu, userAgent: 'Node', hardwareConcurrency: 2, languages: ['en'] },
    configurable: true,
  });
  const proto = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as Record<string, unknown>;
  const helper = (
    name: string,
    make: (items: Iterable<unknown>, by: (item: unknown, at: number) => unknown) => unknown,
  ) => {
    if (name in proto) return;
    Object.defineProperty(proto, name, {
      value(this: Iterable<unknown>, by: (item: unknown, at: number) => unknown) {
        return make(this, by);
      },
      configurable: true,
      writable: true,
    });
  };
  helper('map', function* (items, by) {
    let at = 0;
    for (const item of items) yield by(item, at++);
  });
  helper('filter', function* (items, by) {
    let at = 0;
    for (const item of items) if (by(item, at++)) yield item;
  });
  helper('toArray', (items) => [...items]);
  helper('some', (items, by) => [...items].some(by));
  helper('every', (items, by) => [...items].every(by));
  helper('find', (items, by) => [...items].find(by));
  helper('forEach', (items, by) => [...items].forEach(by));
  const queue = GPUQueue.prototype;
  const write = queue.writeBuffer;
  queue.writeBuffer = function (this: GPUQueue, buffer, offset, data: AllowSharedBufferSource, ...rest) {
    const view = ArrayBuffer.isView(data) ? data : new Uint8Array(data);
    if (!(view.buffer instanceof SharedArrayBuffer)) return write.call(this, buffer, offset, data as never, ...rest);
    return write.call(this, buffer, offset, (view as Uint8Array).slice(), ...rest);
  };
}

/** Runs n at a time, waits for all, and lets go of what they made: at most `most` results exist at once. */
export function batched<T>(run: () => T, done: (made: readonly T[]) => Promise<void>, most = 64): Replays {
  return async (n) => {
    const begun = performance.now();
    for (let left = n; left > 0; left -= most) await done(Array.from({ length: Math.min(left, most) }, run));
    return { begun, ended: performance.now() };
  };
}

/** (rows, columns) → (columns, rows). */
export function transposed(values: ArrayLike<number>, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c] as number;
  return out;
}

/** (a, b, c) → (b, a, c): tokens of heads to heads of tokens, and back. */
export function swapped(values: ArrayLike<number>, a: number, b: number, c: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++)
      for (let k = 0; k < c; k++) out[(j * a + i) * c + k] = values[(i * b + j) * c + k] as number;
  return out;
}

/** Weights (O, 3, 3, I) → (3, 3, I, O). */
export const hwio = (w: ArrayLike<number>, o: number): Float32Array<ArrayBuffer> => transposed(w, o, w.length / o);
/** Weights (O, 3, 3, I) → (O, I, 3, 3). */
export function oihw(w: ArrayLike<number>, o: number, i: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(w.length);
  for (let n = 0; n < o; n++)
    out.set(transposed(Array.prototype.slice.call(w, n * 9 * i, (n + 1) * 9 * i), 9, i), n * 9 * i);
  return out;
}
