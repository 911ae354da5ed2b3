// sketch: latents seen as colours. Photos with their latents in, a linear map from a latent pixel to a colour fitted to them out; and its use.

export interface SketchExample {
  latents: Float32Array; // (4, h, w), scaled as the U-Net has them
  pixels: Float32Array; // (3, H, W) in [−1, 1], the same picture
}
/** For red, green and blue: the weights of the four latent channels and a bias, (3, 5). */
export type SketchMap = readonly (readonly number[])[];

const TERMS = 5;
/** Latents have about unit variance: a weight is held back as if a thousandth of the pixels knew nothing of it. */
const RIDGE = 1e-3;

/**
 * Ridge regression of each colour, averaged over the pixels that a latent stands for, on its four channels: good enough to see what is
 * being drawn, and right for any VAE, since it is fitted to the run's own photos.
 */
export function fitSketch(examples: readonly SketchExample[], side: number, downscale: number): SketchMap {
  const plane = side * side;
  const xx = Array.from({ length: TERMS }, () => new Float64Array(TERMS));
  const xy = Array.from({ length: 3 }, () => new Float64Array(TERMS));
  const x = new Float64Array(TERMS).fill(1); // the last stays: the bias
  for (const { latents, pixels } of examples) {
    const colours = averaged(pixels, side, downscale);
    for (let p = 0; p < plane; p++) {
      for (let c = 0; c < 4; c++) x[c] = latents[c * plane + p] as number;
      for (let i = 0; i < TERMS; i++) {
        const xi = x[i] as number;
        for (let j = 0; j < TERMS; j++) add(xx[i] as Float64Array, j, xi * (x[j] as number));
        for (let colour = 0; colour < 3; colour++)
          add(xy[colour] as Float64Array, i, xi * (colours[colour * plane + p] as number));
      }
    }
  }
  for (let i = 0; i < TERMS - 1; i++) add(xx[i] as Float64Array, i, RIDGE * plane * examples.length);
  return xy.map((y) => solve(xx, y));
}

/** (4, side, side) latents → (3, side, side) in about [−1, 1], one pixel for each. */
export function sketch(map: SketchMap, latents: Float32Array): Float32Array {
  const plane = latents.length / 4;
  return Float32Array.from({ length: 3 * plane }, (_, i) => {
    const weights = map[Math.floor(i / plane)] as readonly number[];
    const p = i % plane;
    let value = weights[TERMS - 1] as number;
    for (let c = 0; c < 4; c++) value += (weights[c] as number) * (latents[c * plane + p] as number);
    return value;
  });
}

/** Means of downscale × downscale squares: (3, H, W) → (3, side, side). */
function averaged(pixels: Float32Array, side: number, downscale: number): Float32Array {
  const width = side * downscale;
  const out = new Float32Array(3 * side * side);
  for (let row = 0; row < 3 * width; row++)
    for (let column = 0; column < width; column++)
      add(
        out,
        Math.floor(row / downscale) * side + Math.floor(column / downscale),
        (pixels[row * width + column] as number) / downscale ** 2,
      );
  return out;
}

/** a · w = b for a symmetric positive definite a (Gaussian elimination; no pivot is needed). Neither is changed. */
function solve(a: readonly Float64Array[], b: Float64Array): number[] {
  const rows = a.map((row, i) => [...row, b[i] as number]);
  for (let i = 0; i < TERMS; i++)
    for (let below = i + 1; below < TERMS; below++) {
      const [from, to] = [rows[i] as number[], rows[below] as number[]];
      const share = (to[i] as number) / (from[i] as number);
      for (let j = i; j <= TERMS; j++) to[j] = (to[j] as number) - share * (from[j] as number);
    }
  const w = new Array<number>(TERMS).fill(0);
  for (let i = TERMS - 1; i >= 0; i--) {
    const row = rows[i] as number[];
    let rest = row[TERMS] as number;
    for (let j = i + 1; j < TERMS; j++) rest -= (row[j] as number) * (w[j] as number);
    w[i] = rest / (row[i] as number);
  }
  return w;
}

const add = (to: Float64Array | Float32Array, at: number, value: number): void => {
  to[at] = (to[at] as number) + value;
};
