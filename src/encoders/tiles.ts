// Latents too large to decode at once in, decoded piece by piece, put together without a seam.
import type { Encoders } from './encoders.ts';

const OVERLAP = 16; // latent pixels that two neighbours share: they fade into each other there

/**
 * Decodes (4, side, side) latents in squares of `tile` latent pixels; where two overlap they are blended linearly, as diffusers'
 * `tiled_decode` does. The decoder's attention sees one square at a time, so colours may differ a little from a decode at once.
 * @returns (3, side · downscale, side · downscale)
 */
export async function decodeInTiles(
  { decode, downscale }: Pick<Encoders, 'decode' | 'downscale'>,
  latents: Float32Array,
  side: number,
  tile: number,
): Promise<Float32Array> {
  const width = side * downscale;
  const pixels = new Float32Array(3 * width * width);
  const weight = new Float32Array(width * width);
  const starts = startsOf(side, tile);
  for (const top of starts)
    for (const left of starts) {
      const piece = await decode(cut(latents, side, top, left, tile), tile, tile);
      paste(piece, top, left);
    }
  for (let i = 0; i < pixels.length; i++) pixels[i] = (pixels[i] as number) / (weight[i % weight.length] as number);
  return pixels;

  function paste(piece: Float32Array, top: number, left: number): void {
    const length = tile * downscale;
    const fade = ramp(length, OVERLAP * downscale);
    for (let y = 0; y < length; y++)
      for (let x = 0; x < length; x++) {
        const at = (top * downscale + y) * width + left * downscale + x;
        const share = (fade[y] as number) * (fade[x] as number);
        weight[at] = (weight[at] as number) + share;
        for (let c = 0; c < 3; c++) {
          const to = c * width * width + at;
          pixels[to] = (pixels[to] as number) + share * (piece[(c * length + y) * length + x] as number);
        }
      }
  }
}

/** Evenly spread, so that all tiles are whole and share at least OVERLAP. */
function startsOf(side: number, tile: number): number[] {
  const count = 1 + Math.ceil(Math.max(0, side - tile) / (tile - OVERLAP));
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (side - tile)) / (count - 1))));
}

function cut(latents: Float32Array, side: number, top: number, left: number, tile: number): Float32Array {
  const out = new Float32Array(4 * tile * tile);
  for (let row = 0; row < 4 * tile; row++) {
    const from = (Math.floor(row / tile) * side + top + (row % tile)) * side + left;
    out.set(latents.subarray(from, from + tile), row * tile);
  }
  return out;
}

/** 0 < … 1 … > 0 along a tile; every weight is positive, so no pixel is left without one. */
const ramp = (length: number, overlap: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.min(1, (i + 0.5) / overlap, (length - i - 0.5) / overlap));
