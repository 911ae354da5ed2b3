// In: held-out losses; out: what they say about the run (UX §6). Data only: messages/train.ts has the sentences.

export interface Dot {
  step: number;
  loss: number;
}
export type Verdict =
  | { kind: 'too-early' }
  | { kind: 'closer'; best: number }
  | { kind: 'wavering'; best: number } // the last dot is above the best, too little to tell
  | { kind: 'settled'; best: number }
  | { kind: 'past-best'; best: number }
  | { kind: 'not-learning' }; // nothing has been lower than before training

const settledWithin = 0.01;
const pastBestBy = 0.02;

/** The lowest dot; the earliest of equals, because fewer steps do the same. */
export const bestDot = (dots: readonly Dot[]): Dot | null =>
  dots.reduce<Dot | null>((best, dot) => (best === null || dot.loss < best.loss ? dot : best), null);

export function verdict(dots: readonly Dot[]): Verdict {
  const best = bestDot(dots);
  const [before, last] = dots.slice(-2);
  if (dots.length < 3 || !best || !before || !last) return { kind: 'too-early' };
  if (best.step === 0) return { kind: 'not-learning' };
  if (best.step === last.step) return { kind: 'closer', best: best.step };
  const lastTwo = [before, last].filter((dot) => dot.step > best.step).map((dot) => dot.loss / best.loss - 1);
  if (lastTwo.length === 2 && lastTwo.every((over) => over >= pastBestBy))
    return { kind: 'past-best', best: best.step };
  if (lastTwo.length === 2 && lastTwo.every((over) => over <= settledWithin))
    return { kind: 'settled', best: best.step };
  return { kind: 'wavering', best: best.step };
}

/** How much lower the best dot is than the untrained model: 0.08 = 8 % lower; null without a dot at step 0 or after it. */
export function gain(dots: readonly Dot[]): number | null {
  const start = dots.find((dot) => dot.step === 0);
  const best = bestDot(dots);
  return start && best && dots.length > 1 ? 1 - best.loss / start.loss : null;
}
