// PyTorch's normal numbers: a seed in; what `torch.randn(…, generator=torch.Generator("cpu").manual_seed(seed))` gives in f32, call after call, out.

const STATE = 624;
const SHIFT = 397;

/** MT19937 (Matsumoto & Nishimura, "Mersenne Twister", 1998) with 2002's initialisation: 32-bit words from a seed of 32 bits. */
function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(STATE);
  state[0] = seed;
  for (let i = 1; i < STATE; i++) {
    const before = state[i - 1] as number;
    state[i] = Math.imul(before ^ (before >>> 30), 1_812_433_253) + i;
  }
  let next = STATE;
  const turn = (): void => {
    for (let i = 0; i < STATE; i++) {
      const y = ((state[i] as number) & 0x8000_0000) | ((state[(i + 1) % STATE] as number) & 0x7fff_ffff);
      state[i] = (state[(i + SHIFT) % STATE] as number) ^ (y >>> 1) ^ (y & 1 ? 0x9908_b0df : 0);
    }
    next = 0;
  };
  return () => {
    if (next === STATE) turn();
    let y = state[next++] as number;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

const BLOCK = 16; // numbers that ATen's vectorised loop makes at a time

/** A stream of normal numbers. Draws must be asked for in PyTorch's order and sizes: how many are drawn at once decides how. */
export interface TorchGenerator {
  /** `count` standard normals, within 4e-6 of PyTorch's (whose sin, cos and log are approximations of their own on some processors). */
  randn(count: number): Float32Array<ArrayBuffer>;
}

/**
 * `torch.Generator("cpu").manual_seed(seed)`; of a seed the lower 32 bits count, as there. `seed` is a whole number in [0, 2⁵³).
 * From 16 numbers on: 24-bit uniforms fill the whole array, then Box–Muller takes numbers j and j + 8 of every sixteen; what is left over at the end
 * is made with the last sixteen, drawn anew. Below: 53-bit uniforms in pairs, of whose two normals the second waits for the next such number.
 */
export function torchGenerator(seed: number): TorchGenerator {
  const word = mersenneTwister(seed % 2 ** 32);
  const uniform24 = (): number => (word() & 0xff_ffff) * 2 ** -24;
  const uniform53 = (): number => {
    const high = word();
    return ((high & 0x1f_ffff) * 2 ** 32 + word()) * 2 ** -53;
  };
  let waiting: number | null = null;

  const single = (): number => {
    if (waiting !== null) {
      const value = waiting;
      waiting = null;
      return value;
    }
    const angle = 2 * Math.PI * uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-uniform53()));
    waiting = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  /** Sixteen uniforms from `at` on, in place. */
  const transform = (values: Float32Array, at: number): void => {
    for (let j = at; j < at + BLOCK / 2; j++) {
      const radius = Math.sqrt(-2 * Math.log(1 - (values[j] as number)));
      const angle = 2 * Math.PI * (values[j + BLOCK / 2] as number);
      values[j] = radius * Math.cos(angle);
      values[j + BLOCK / 2] = radius * Math.sin(angle);
    }
  };
  return {
    randn(count) {
      const values = new Float32Array(count);
      if (count < BLOCK) return values.map(single);
      for (let i = 0; i < count; i++) values[i] = uniform24();
      for (let at = 0; at + BLOCK <= count; at += BLOCK) transform(values, at);
      if (count % BLOCK !== 0) {
        for (let i = count - BLOCK; i < count; i++) values[i] = uniform24();
        transform(values, count - BLOCK);
      }
      return values;
    },
  };
}
