// rounds: candidates that can be run n times in; each one's milliseconds by the stopwatch, round after round in turn, their median and spread out.
import type { Replays } from '../gpu/replays.ts';
import { measure } from '../gpu/stopwatch.ts';

export interface Candidate {
  readonly name: string;
  readonly time: Replays;
  /** A wait for nothing, ms. */
  readonly emptyMs: number;
}
/** Milliseconds of one run. */
export interface Figure {
  readonly median: number;
  /** Half of what lies between the fastest round and the slowest, as a share of the median. */
  readonly spread: number;
  readonly rounds: number;
}

/** ms of one run, from the difference between n and 4n of them where the clock can tell it. */
export async function msOf({ time, emptyMs }: Omit<Candidate, 'name'>): Promise<number> {
  const products = { flops: [1], time: (_: number, n: number) => time(n), emptyMs };
  const { told, atLeast } = await measure(products, Number.POSITIVE_INFINITY);
  return 1 / (told ?? atLeast);
}

/** @throws RangeError where nothing was measured. */
export function figureOf(ms: readonly number[]): Figure {
  const sorted = [...ms].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
  if (low === undefined || high === undefined) throw new RangeError('expected at least one round, got none');
  const median = (low + high) / 2;
  const spread = ((sorted.at(-1) as number) - (sorted[0] as number)) / 2 / median;
  return { median, spread, rounds: ms.length };
}

/**
 * Every candidate once in each round; every other round the other way about, so that neither drift nor place is anyone's. The first run of each,
 * before all rounds, is not counted: drivers compile then.
 * @param enough ends the rounds early, after at least one.
 */
export async function alternate(
  candidates: readonly Candidate[],
  rounds: number,
  { signal, enough = () => false }: { signal?: AbortSignal | undefined; enough?: () => boolean } = {},
): Promise<Map<string, Figure>> {
  for (const { time } of candidates) {
    signal?.throwIfAborted();
    await time(1);
  }
  const ms = new Map<string, number[]>(candidates.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds && (round === 0 || !enough()); round++)
    for (const candidate of round % 2 ? [...candidates].reverse() : candidates) {
      signal?.throwIfAborted();
      ms.get(candidate.name)?.push(await msOf(candidate));
    }
  return new Map([...ms].map(([name, all]) => [name, figureOf(all)]));
}
