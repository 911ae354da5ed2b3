// Photos in, those to train on and those kept aside to measure with out.

/** How many photos are kept aside by default (UX §4): below six every one is needed for training. */
export const keptAsideByDefault = (photos: number): number =>
  photos >= 25 ? 3 : photos >= 15 ? 2 : photos >= 6 ? 1 : 0;

/** The last ones are kept aside: always the same for the same photos, and the user can see which. At least one is left to train on. */
export function splitPhotos<P>(photos: readonly P[], keptAside: number): { training: P[]; keptAside: P[] } {
  const aside = Math.max(0, Math.min(keptAside, photos.length - 1));
  return { training: photos.slice(0, photos.length - aside), keptAside: photos.slice(photos.length - aside) };
}

/** How many of so many photos are learned from. */
export const learnedFrom = (photos: number, keptAside: number): number =>
  splitPhotos(new Array(photos).fill(null), keptAside).training.length;
