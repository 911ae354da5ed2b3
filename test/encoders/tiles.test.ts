// Tiles: a decoder that looks at one latent pixel at a time gives the same picture in pieces as at once; one that sees its square's edge leaves no seam.
import { expect, it } from 'vitest';
import { normals } from '../../src/diffusion/random.ts';
import { decodeInTiles } from '../../src/encoders/tiles.ts';

const DOWNSCALE = 2;
/** Colour c of a pixel = latent channel c of its place, plus `drift` times how far right it lies in its tile. */
const decoder = (drift: number, asked: number[] = []) => ({
  downscale: DOWNSCALE,
  async decode(latents: Float32Array, height: number, width: number) {
    asked.push(height, width);
    const [h, w] = [height * DOWNSCALE, width * DOWNSCALE];
    return Float32Array.from({ length: 3 * h * w }, (_, i) => {
      const [c, y, x] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
      const at = (c * height + Math.floor(y / DOWNSCALE)) * width + Math.floor(x / DOWNSCALE);
      return (latents[at] as number) + (drift * x) / w;
    });
  },
});
const SIDE = 72;
const latents = normals({ seed: 1, purpose: 'picture' }, 4 * SIDE * SIDE);

it.each([[32], [40], [72]])('in tiles of %d, the same as at once', async (tile) => {
  const asked: number[] = [];
  const whole = await decoder(0).decode(latents, SIDE, SIDE);
  const pieces = await decodeInTiles(decoder(0, asked), latents, SIDE, tile);
  expect(new Set(asked)).toEqual(new Set([tile]));
  expect(asked.length / 2).toBe(tile === 72 ? 1 : tile === 40 ? 9 : 16);
  expect(pieces.length).toBe(whole.length);
  let most = 0;
  for (const [i, value] of pieces.entries()) most = Math.max(most, Math.abs(value - (whole[i] as number)));
  expect(most).toBeLessThan(1e-5); // weights that add up to 1, in f32
});

it('two tiles that disagree fade into each other', async () => {
  const flat = new Float32Array(4 * SIDE * SIDE);
  const pieces = await decodeInTiles(decoder(1), flat, SIDE, 40);
  const row = pieces.subarray(0, SIDE * DOWNSCALE);
  for (let x = 1; x < row.length; x++) expect(Math.abs((row[x] as number) - (row[x - 1] as number))).toBeLessThan(0.07); // a seam would be 0.6
});
