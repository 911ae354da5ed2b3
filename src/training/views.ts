// The ways a photo is seen and told: its crop or caption, the options and the seed in; random crops, mirrored or not, and tags in other orders out.
import type { Crop, Placed } from '../dataset/crop.ts';
import { shuffled, uniformInts } from '../diffusion/random.ts';
import type { TrainingSettings } from './settings.ts';

export interface View {
  crop: Crop | Placed;
  mirrored: boolean;
}

/**
 * Every view that a photo is drawn from, none where it is always seen the same: `crops` squares of its crop's size anywhere in it (torchvision's
 * `RandomCrop`), or its own crop; with `mirror` each of them the other way round too (`RandomHorizontalFlip`).
 */
export function viewsOf(
  { seed, crops, mirror }: Pick<TrainingSettings, 'seed' | 'crops' | 'mirror'>,
  photo: number,
  crop: Crop,
): View[] {
  if (crops === 0 && mirror === 'off') return [];
  const squares: (Crop | Placed)[] = Array.from({ length: crops }, (_, sample) => {
    const [across, down] = uniformInts({ seed, purpose: 'crop', step: photo, sample }, 2, 2 ** 20) as [number, number];
    return { across: across / 2 ** 20, down: down / 2 ** 20, size: crop.size };
  });
  const seen = (squares.length > 0 ? squares : [crop]).map((square) => ({ crop: square, mirrored: false }));
  return mirror === 'on' ? seen.flatMap((view) => [view, { ...view, mirrored: true }]) : seen;
}

/** (3, size, size), left and right exchanged. */
export function mirrored(pixels: Float32Array, size: number): Float32Array {
  return pixels.map((_, i) => {
    const x = i % size;
    return pixels[i - x + (size - 1 - x)] as number;
  });
}

/**
 * A caption of tags between commas in `tagOrders` orders, the first `keptTags` where they were (kohya's `shuffle_caption`, `keep_tokens`); none
 * where there is nothing to shuffle.
 */
export function wordingsOf(
  { seed, tagOrders, keptTags }: Pick<TrainingSettings, 'seed' | 'tagOrders' | 'keptTags'>,
  photo: number,
  caption: string,
): string[] {
  const tags = caption.split(',').map((tag) => tag.trim());
  const [kept, loose] = [tags.slice(0, keptTags), tags.slice(keptTags)];
  if (loose.length < 2) return [];
  return Array.from({ length: tagOrders }, (_, sample) => {
    const order = shuffled({ seed, purpose: 'tags', step: photo, sample }, loose.length);
    return [...kept, ...order.map((i) => loose[i] as string)].join(', ');
  });
}
