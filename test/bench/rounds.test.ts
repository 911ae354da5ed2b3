// Candidates whose runs take a known time in; the stopwatch's ms, the median, the spread and the order of turns out. Nothing is waited for.
import { expect, test } from 'vitest';
import { alternate, type Candidate, figureOf, msOf } from '../../src/bench/rounds.ts';

/** A clock of its own: each run takes `ms`, each submit and wait `emptyMs` more. */
function candidate(name: string, ms: () => number, emptyMs: number, ran: string[] = []): Candidate {
  let now = 1000.0123;
  return {
    ...{ name, emptyMs },
    time: async (n) => {
      ran.push(name);
      const begun = now;
      now += n * ms() + emptyMs;
      return { begun, ended: now };
    },
  };
}

test.each([
  ['a short one, by the difference between many', 0.05, 0.4],
  ['one that takes about as long as a wait', 0.5, 0.5],
  ['one of a second, by a single run', 1000, 0.4],
])('%s', async (_, ms, emptyMs) => {
  expect(await msOf(candidate('a', () => ms, emptyMs))).toBeCloseTo(ms, ms < 1 ? 3 : -1);
});

test('the median of odd and even rounds; the spread is half the range', () => {
  expect(figureOf([3, 1, 2])).toEqual({ median: 2, spread: 0.5, rounds: 3 });
  expect(figureOf([4, 1, 2, 3]).median).toBe(2.5);
  expect(() => figureOf([])).toThrow(RangeError);
});

test('each has its turn in every round, and every other round goes the other way about', async () => {
  const ran: string[] = [];
  const slow = (name: string) => candidate(name, () => 1000, 0.1, ran);
  const figures = await alternate([slow('a'), slow('b')], 3);
  expect(ran).toEqual(['a', 'b', 'a', 'b', 'b', 'a', 'a', 'b']); // the first of each is not counted
  expect(figures.get('b')?.rounds).toBe(3);
});

test('where time is up, one round is measured all the same; an abort ends it', async () => {
  const one = candidate('a', () => 1000, 0.1);
  expect((await alternate([one], 5, { enough: () => true })).get('a')?.rounds).toBe(1);
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await expect(alternate([one], 5, { signal: stop.signal })).rejects.toThrow('enough');
});
