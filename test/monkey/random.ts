// A seed in; the same choices every time out (mulberry32: small, and good enough to press buttons by).
export interface Random {
  /** 0 ≤ number < 1. */
  share(): number;
  /** 0 ≤ whole number < n. */
  below(n: number): number;
  chance(share: number): boolean;
  one<T>(of: readonly T[]): T;
}

export function random(seed: number): Random {
  let state = seed >>> 0;
  const share = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(share() * n);
  return { share, below, chance: (p) => share() < p, one: (of) => of[below(of.length)] as (typeof of)[number] };
}
