// A square of an RGBA picture in, the same square at another size out, as f32 planes. Antialiased triangle filter: the picture that
// Pillow's `resize(…, BILINEAR)` makes, which is what the reference trainer's dataset does.
import type { Square } from './crop.ts';

/** Pixels as ImageData has them: 4 bytes each, rows from the top. Alpha is not looked at. */
export interface RgbaPicture {
  width: number;
  height: number;
  data: Uint8ClampedArray | Uint8Array;
}

/** (3, size, size) planes of 0…255, not rounded. */
export function resampleSquare(picture: RgbaPicture, square: Square, size: number): Float32Array<ArrayBuffer> {
  const taps = triangleTaps(square.side, size);
  // Rows first: (3, side, size), then columns: (3, size, size). Separable filters commute.
  const narrow = new Float32Array(3 * square.side * size);
  for (let y = 0; y < square.side; y++) {
    const row = (square.y + y) * picture.width + square.x;
    for (let x = 0; x < size; x++) {
      const { first, weights } = taps[x]!;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let i = 0; i < weights.length; i++) {
        const at = 4 * (row + first + i);
        const weight = weights[i]!;
        red += weight * picture.data[at]!;
        green += weight * picture.data[at + 1]!;
        blue += weight * picture.data[at + 2]!;
      }
      narrow[y * size + x] = red;
      narrow[(square.side + y) * size + x] = green;
      narrow[(2 * square.side + y) * size + x] = blue;
    }
  }
  const out = new Float32Array(3 * size * size);
  for (let plane = 0; plane < 3; plane++)
    for (let y = 0; y < size; y++) {
      const { first, weights } = taps[y]!;
      for (let x = 0; x < size; x++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++)
          sum += weights[i]! * narrow[(plane * square.side + first + i) * size + x]!;
        out[(plane * size + y) * size + x] = sum;
      }
    }
  return out;
}

interface Taps {
  first: number;
  weights: Float32Array;
}

// For every output pixel: the input pixels under a triangle of one output pixel's half-width (one input pixel's, when enlarging).
function triangleTaps(from: number, to: number): Taps[] {
  const scale = from / to;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach + 0.5));
    const end = Math.min(from, Math.floor(centre + reach + 0.5));
    const weights = Float32Array.from({ length: end - first }, (_w, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / reach),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** Rec. 601 luma of (3, n) planes: what Pillow and most eyes call grey. */
export function luma(planes: Float32Array): Float32Array {
  const n = planes.length / 3;
  return Float32Array.from(
    { length: n },
    (_, i) => 0.299 * planes[i]! + 0.587 * planes[n + i]! + 0.114 * planes[2 * n + i]!,
  );
}
