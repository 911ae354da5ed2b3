// The crop of a photo (fractions, as the page keeps it) and the photo's size in; a square of whole pixels inside the photo out.

/** A centre-relative square crop: centre and side as fractions of the oriented photo's width, height and short side. */
export interface Crop {
  x: number; // 0…1, centre
  y: number; // 0…1, centre
  size: number; // 0…1 of the short side; 1 = the largest square
}

/** The same square by what its size leaves free: it lies `across` and `down` of that from the left and the top. */
export interface Placed {
  across: number; // 0 ≤ … < 1
  down: number;
  size: number;
}

/** Top left corner and side, px. */
export interface Square {
  x: number;
  y: number;
  side: number;
}

/** The largest square in the middle: what training uses until the user moves it. */
export const centreCrop: Crop = { x: 0.5, y: 0.5, size: 1 };

/**
 * Whole pixels, so that a photo that already has the model's size is taken over unchanged. A crop that reaches past the edge is pushed back
 * inside; its size is kept.
 */
export function cropSquare(crop: Crop | Placed, width: number, height: number): Square {
  const shortSide = Math.min(width, height);
  const side = Math.max(1, Math.min(shortSide, Math.round(crop.size * shortSide)));
  if ('across' in crop) {
    const { across, down } = crop;
    return { x: Math.floor(across * (width - side + 1)), y: Math.floor(down * (height - side + 1)), side };
  }
  const inside = (centre: number, length: number) =>
    Math.max(0, Math.min(length - side, Math.floor(centre * length - side / 2)));
  return { x: inside(crop.x, width), y: inside(crop.y, height), side };
}
