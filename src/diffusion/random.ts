// Random numbers from a seed and a place: (seed, purpose, step, sample) in, uniform integers or standard normals out. No generator state.

/** What a draw is for. Each purpose has its own numbers, so a preview cannot disturb training. Never renumber: runs are repeated by these. */
export const purposes = {
  lora: 0,
  order: 1,
  timestep: 2,
  noise: 3,
  posterior: 4,
  'held-out': 5,
  picture: 6,
  name: 7,
  'noise-offset': 8,
  'caption-dropout': 9,
  view: 10,
  wording: 11,
  crop: 12,
  tags: 13,
} as const;
export type Purpose = keyof typeof purposes;

/** One sequence of numbers. `seed` is a whole number in [0, 2⁵³); `step` and `sample` are whole numbers in [0, 2³²), 0 where they mean nothing. */
export interface Stream {
  seed: number;
  purpose: Purpose;
  step?: number;
  sample?: number;
}

type Words4 = [number, number, number, number];

/** The upper 32 bits of the 64-bit product of two u32 (Math.imul gives the lower ones). */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const cross = aHigh * bLow + ((aLow * bLow) >>> 16); // < 2³³: exact in a double
  const middle = aLow * bHigh + (cross % 0x10000);
  return (aHigh * bHigh + Math.floor(cross / 0x10000) + Math.floor(middle / 0x10000)) >>> 0;
}

/**
 * Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011, §3.3): a bijection of the four counter words under a
 * two-word key. Ten rounds of two multiplications, the key bumped by the Weyl constants between rounds.
 */
export function philox4x32(counter: Readonly<Words4>, key: readonly [number, number]): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = mulHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The `block`-th four words of a stream. The counter is (block, sample, step, purpose), the key is the seed's two halves. */
function words(stream: Stream, block: number): Words4 {
  const { seed, purpose, step = 0, sample = 0 } = stream;
  return philox4x32([block, sample, step, purposes[purpose]], [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0]);
}

/** `count` integers uniform in [0, below), below ≤ 2²⁰. By multiplication: no value is favoured by more than below · 2⁻³². */
export function uniformInts(stream: Stream, count: number, below: number): number[] {
  const out: number[] = [];
  for (let block = 0; out.length < count; block++)
    for (const word of words(stream, block)) if (out.length < count) out.push(Math.floor((word * below) / 2 ** 32));
  return out;
}

/** `count` standard normals by Box–Muller, four of every block. */
export function normals(stream: Stream, count: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 4) {
    const w = words(stream, i / 4);
    for (let pair = 0; pair < 4; pair += 2) {
      const radius = Math.sqrt(-2 * Math.log(((w[pair] as number) + 0.5) * 2 ** -32)); // + 0.5: never log 0
      const angle = 2 * Math.PI * (w[pair + 1] as number) * 2 ** -32;
      out[i + pair] = radius * Math.cos(angle); // a store past the end of a typed array is dropped
      out[i + pair + 1] = radius * Math.sin(angle);
    }
  }
  return out;
}

/** 0 … count − 1 in a random order (Fisher–Yates over one stream). */
export function shuffled(stream: Stream, count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  const fractions = uniformInts(stream, count, 2 ** 20);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(((fractions[i] as number) * (i + 1)) / 2 ** 20);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
