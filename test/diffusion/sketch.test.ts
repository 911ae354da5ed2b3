// Sketches: the linear map is found where there is one, used, and tame where there is none.
import { describe, expect, it } from 'vitest';
import { normals } from '../../src/diffusion/random.ts';
import { fitSketch, type SketchExample, sketch } from '../../src/diffusion/sketch.ts';

const SIDE = 6;
const DOWNSCALE = 4;
const truth = [
  [0.3, -0.2, 0.1, 0.05, 0.1],
  [-0.1, 0.4, 0.2, 0, -0.2],
  [0, 0.1, -0.3, 0.25, 0],
];
/** A picture whose every square has the colour that `truth` gives its latent, plus a ripple that averages to nothing. */
function example(seed: number): SketchExample {
  const plane = SIDE * SIDE;
  const latents = normals({ seed, purpose: 'noise' }, 4 * plane);
  const width = SIDE * DOWNSCALE;
  const pixels = Float32Array.from({ length: 3 * width * width }, (_, i) => {
    const [colour, row, column] = [Math.floor(i / width ** 2), Math.floor(i / width) % width, i % width];
    const p = Math.floor(row / DOWNSCALE) * SIDE + Math.floor(column / DOWNSCALE);
    const weights = truth[colour] as number[];
    const ripple = 0.5 * (column % 2 === 0 ? 1 : -1);
    return weights.reduce((sum, w, c) => sum + w * (c < 4 ? (latents[c * plane + p] as number) : 1), ripple);
  });
  return { latents, pixels };
}

describe('a sketch', () => {
  it('finds the map that made the pictures', () => {
    const map = fitSketch([example(1), example(2)], SIDE, DOWNSCALE);
    for (const [i, weights] of map.entries())
      for (const [j, w] of weights.entries()) expect(w).toBeCloseTo(truth[i]![j]!, 2); // the ridge: a thousandth
  });

  it('draws with it, one pixel a latent', () => {
    const { latents } = example(3);
    const pixels = sketch(truth, latents);
    expect(pixels.length).toBe(3 * SIDE * SIDE);
    for (const at of [0, 7, 35]) {
      const expected =
        0.3 * latents[at]! - 0.2 * latents[36 + at]! + 0.1 * latents[72 + at]! + 0.05 * latents[108 + at]! + 0.1;
      expect(pixels[at]).toBeCloseTo(expected, 6);
    }
  });

  it('of one flat photo gives its colour, not numbers that ran away', () => {
    const pixels = new Float32Array(3 * 24 * 24).fill(0.5);
    const latents = new Float32Array(4 * SIDE * SIDE).fill(0.7);
    const shown = sketch(fitSketch([{ latents, pixels }], SIDE, DOWNSCALE), latents);
    for (const value of shown) expect(value).toBeCloseTo(0.5, 3);
  });
});
