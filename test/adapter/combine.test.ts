// Several adapters as one: what the one adds to each module is the sum of what they add.
import { expect, it } from 'vitest';
import { combineAdapters, type Part } from '../../src/adapter/combine.ts';
import type { LoraModule } from '../../src/gpu/engine-types.ts';
import { modules, weightsOf } from './small-lora.ts';

/** strength · alpha / rank · up · down, in f64. */
function delta({ rank, alpha, strength, weights }: Part, { name, inFeatures, outFeatures }: LoraModule): number[] {
  const own = weights.get(name);
  return Array.from({ length: outFeatures * inFeatures }, (_, i) => {
    if (!own) return 0;
    const [o, c] = [Math.floor(i / inFeatures), i % inFeatures];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += (own.up[o * rank + r] as number) * (own.down[r * inFeatures + c] as number);
    return ((strength * alpha) / rank) * sum;
  });
}

const some = (weights: Part['weights'], count: number): Part['weights'] => new Map([...weights].slice(0, count));
const three: Part[] = [
  { rank: 4, alpha: 4, strength: 0.5, weights: weightsOf(4) },
  { rank: 2, alpha: 1, strength: 1, weights: some(weightsOf(2), 2) }, // alpha ≠ rank, and not every module
  { rank: 1, alpha: 1, strength: -0.3, weights: weightsOf(1) },
];

it('three, with strengths 0.5, 1 and −0.3, alphas and modules of their own', () => {
  const together = combineAdapters(three);
  expect(together).toMatchObject({ rank: 7, alpha: 7 });
  for (const module of modules) {
    const wanted = three.map((part) => delta(part, module)).reduce((a, b) => a.map((v, i) => v + (b[i] as number)));
    const got = delta({ ...together, strength: 1 }, module);
    const scale = Math.max(...wanted.map(Math.abs));
    for (const [i, value] of wanted.entries()) expect(Math.abs((got[i] as number) - value)).toBeLessThan(1e-6 * scale);
  }
});

it('what adds nothing takes no rank: padding, a strength of 0', () => {
  const padded = weightsOf(3);
  for (const { name, outFeatures } of modules)
    for (let o = 0; o < outFeatures; o++) padded.get(name)!.up[o * 3 + 2] = 0;
  expect(combineAdapters([{ rank: 3, alpha: 3, strength: 1, weights: padded }]).rank).toBe(2);
  expect(combineAdapters([{ ...three[0]!, strength: 0 }, three[2]!]).rank).toBe(1);
});
