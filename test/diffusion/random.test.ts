// Philox against the known-answer vectors of Random123; uniform and normal draws against their moments; streams against each other.
import { describe, expect, it } from 'vitest';
import { normals, philox4x32, type Stream, shuffled, uniformInts } from '../../src/diffusion/random.ts';

const hex = (text: string) => text.split(' ').map((word) => Number.parseInt(word, 16));
const four = (text: string) => hex(text) as [number, number, number, number];
const two = (text: string) => hex(text) as [number, number];

describe('philox4x32-10', () => {
  // Random123's kat_vectors: counter, key → output.
  it.each([
    ['00000000 00000000 00000000 00000000', '00000000 00000000', '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    ['ffffffff ffffffff ffffffff ffffffff', 'ffffffff ffffffff', '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    ['243f6a88 85a308d3 13198a2e 03707344', 'a4093822 299f31d0', 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('%s under %s', (counter, key, expected) => {
    expect(philox4x32(four(counter), two(key))).toEqual(hex(expected));
  });
});

describe('draws', () => {
  const stream: Stream = { seed: 42, purpose: 'noise', step: 3, sample: 1 };

  it('gives a stream the same numbers however many are asked', () => {
    expect(normals(stream, 7)).toEqual(normals(stream, 64).slice(0, 7));
    expect(uniformInts(stream, 5, 1000)).toEqual(uniformInts(stream, 50, 1000).slice(0, 5));
  });

  it('gives every seed (both halves of it), purpose, step and sample its own numbers', () => {
    const others: Stream[] = [
      { ...stream, seed: 43 },
      { ...stream, seed: 42 + 2 ** 32 },
      { ...stream, purpose: 'picture' },
      { ...stream, step: 4 },
      { ...stream, sample: 2 },
    ];
    const first = new Set([stream, ...others].map((s) => normals(s, 1)[0]));
    expect(first.size).toBe(6);
  });

  it('draws normals of mean 0, variance 1, without skew and with a normal’s tails', () => {
    const n = 200_000;
    const x = normals({ seed: 1, purpose: 'noise' }, n);
    const moment = (power: number) => x.reduce((sum, value) => sum + value ** power, 0) / n;
    // Five standard errors of each moment for n independent normals: √(1, 2, 15, 96) / √n.
    expect(Math.abs(moment(1))).toBeLessThan((5 * 1) / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan((5 * Math.sqrt(2)) / Math.sqrt(n));
    expect(Math.abs(moment(3))).toBeLessThan((5 * Math.sqrt(15)) / Math.sqrt(n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan((5 * Math.sqrt(96)) / Math.sqrt(n));
    const neighbours = x.reduce((sum, value, i) => sum + value * (x[i + 1] ?? 0), 0) / n;
    expect(Math.abs(neighbours)).toBeLessThan(5 / Math.sqrt(n));
  });

  it('draws integers evenly', () => {
    const n = 100_000;
    const counts = new Array<number>(10).fill(0);
    for (const i of uniformInts({ seed: 9, purpose: 'timestep' }, n, 10)) counts[i]! += 1;
    const spread = Math.sqrt(n * 0.1 * 0.9);
    for (const count of counts) expect(Math.abs(count - n / 10)).toBeLessThan(5 * spread);
  });

  it('shuffles without losing anything, and not always alike', () => {
    const order = shuffled({ seed: 5, purpose: 'order', step: 0 }, 8);
    expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(shuffled({ seed: 5, purpose: 'order', step: 1 }, 8)).not.toEqual(order);
    const firsts = new Set(
      Array.from({ length: 60 }, (_, step) => shuffled({ seed: 5, purpose: 'order', step }, 4)[0]),
    );
    expect(firsts.size).toBe(4);
  });
});
