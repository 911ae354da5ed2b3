// What a fake GPU's kernels do: a dispatch and its bindings in; out, how long it takes and a hash that `update` writes to `lora`, so that a
// dispatch that is lost, comes twice or out of order changes the adapter.
import { SLOT } from '../../src/ops/step-state.ts';
import type { Command, FakeBindGroup } from './commands.ts';

type Dispatch = Extract<Command, { kind: 'dispatch' }>;
const uniform = ({ entries }: FakeBindGroup): Uint32Array => {
  const entry = entries.find(({ binding }) => binding === 0);
  return entry ? entry.buffer.words(entry.offset, entry.size) : new Uint32Array(0);
};

/** Of a matrix product, whole tiles as a GPU computes them; nothing else counts. What a kernel is stands in its text. */
export function flopsOf({ pipeline, group, workgroups: [x = 1, y = 1, z = 1] }: Dispatch): number {
  const columns = /let n0 = group\.x \* (\d+)u/.exec(pipeline.code);
  const rows = /group\.y \+ dims\.first_tile\) \* (\d+)u/.exec(pipeline.code);
  if (!columns || !rows) return 0;
  const taps = /tap < (\d+)u/.exec(pipeline.code)?.[1] ?? 1;
  const [m = 0, n = 0, k = 0, first = 0] = uniform(group);
  const tile = Number(rows[1]);
  return (
    2 * (Math.min(m, (first + y) * tile) - first * tile) * Math.min(n, x * Number(columns[1])) * k * Number(taps) * z
  );
}

const fold = (hash: number, value: number): number => {
  const mixed = Math.imul(hash ^ value, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
};
const foldText = (hash: number, text: string): number => {
  let all = hash;
  for (let i = 0; i < text.length; i++) all = fold(all, text.charCodeAt(i));
  return all;
};
/** At most 64 words of a range, spread over it. */
function foldWords(hash: number, words: Uint32Array): number {
  let all = fold(hash, words.length);
  const stride = Math.max(1, Math.floor(words.length / 64));
  for (let i = 0; i < words.length; i += stride) all = fold(all, words[i] as number);
  return all;
}
/** −1 … 1. */
const drawn = (hash: number, i: number): number => Math.fround(fold(hash, i) / 2 ** 31 - 1);

/** The arena's contents, as far as they matter: which program wrote it last, up to where, from what. */
export class Kernels {
  #arena = { program: '', next: 0, hash: 0 };
  /** Dispatches that did not follow their predecessor. */
  strays = 0;

  run({ pipeline, group, workgroups }: Dispatch): void {
    const { place, entries } = group;
    if (!place) {
      this.#quantise(pipeline.label, group);
      return;
    }
    const { program, index } = place;
    const follows = this.#arena.program === program && this.#arena.next === index;
    let hash = index === 0 ? foldText(0, program) : this.#arena.hash;
    if (index > 0 && !follows) {
      this.strays++;
      hash = fold(hash, 0xbad);
    }
    hash = foldText(fold(hash, index), pipeline.label);
    for (const n of workgroups) hash = fold(hash, n);
    hash = foldWords(hash, uniform(group));
    for (const { binding, buffer, offset, size } of entries) {
      hash = fold(fold(hash, offset), size);
      const shared = buffer.label.startsWith('arena:'); // told by what wrote it
      if (binding > 0 && !shared && !pipeline.writes.has(binding)) hash = foldWords(hash, buffer.words(offset, size));
    }
    this.#arena = { program, next: index + 1, hash };
    this.#write(pipeline.label, pipeline.writes, group, hash);
  }

  #write(label: string, writes: ReadonlySet<number>, { entries }: FakeBindGroup, hash: number): void {
    const written = entries.filter(({ binding, buffer }) => writes.has(binding) && !buffer.label.startsWith('arena:'));
    if (label === 'adamw/adamw') {
      this.#update(written, hash);
      return;
    }
    for (const { buffer, offset, size } of written) {
      const values = buffer.floats(offset, size);
      if (buffer.label === 'state:step') {
        values[SLOT.step] = (values[SLOT.step] as number) + 1;
        values[SLOT.gradientNorm] = 1 + drawn(hash, 1);
        values[SLOT.finite] = 1;
      } else if (buffer.label === 'grads') values[0] = Math.fround((values[0] as number) + drawn(hash, 0));
      else for (let i = 0; i < values.length; i++) values[i] = 1 + drawn(hash, i);
    }
  }

  /** The gradients that were summed up go into parameters and moments, and are zeroed. */
  #update(written: FakeBindGroup['entries'], hash: number): void {
    const grads = written.find(({ buffer }) => buffer.label === 'grads')?.buffer;
    let learned = hash;
    if (grads) {
      for (const word of grads.words()) if (word !== 0) learned = fold(learned, word);
      grads.bytes.fill(0);
    }
    for (const { buffer } of written) {
      if (buffer === grads) continue;
      const values = buffer.floats();
      for (let i = 0; i < Math.min(8, values.length); i++)
        values[i] = Math.fround(0.9 * (values[i] as number) + 0.1 * drawn(learned, i));
    }
  }

  /** A piece of weights on its way to its buffer: one word for each piece. */
  #quantise(label: string, { entries }: FakeBindGroup): void {
    if (label !== 'quantise') return;
    const [piece, halves, words] = [0, 1, 2].map((b) => entries.find(({ binding }) => binding === b)?.buffer);
    if (!piece || !halves || !words) return;
    const first = piece.words()[1] as number;
    new DataView(words.bytes.buffer).setUint32(
      4 * Math.min(first, words.size / 4 - 1),
      foldWords(1, halves.words()),
      true,
    );
  }
}
