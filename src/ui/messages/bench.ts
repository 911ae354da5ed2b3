// Every word of the bench, in English. What is copied into an issue is written where it is measured (bench/card-bench.ts).
import { count } from '../amounts.ts';

export const bench = {
  title: 'How fast is this card?',
  sub: 'The kernels of a training are timed on it, and Stable Diffusion 1.5 is forecast from them. No model and no photo is needed, and nothing is sent.',
  start: 'Measure this card',
  again: 'Measure again',
  stop: 'Stop',
  hint: 'About a minute on a graphics card, a few without one. Best with nothing else running.',
  measuring: (done: number, total: number) => (total ? `Measuring ${done}/${total}` : 'Measuring'),
  step: (seconds: number) =>
    `A step of Stable Diffusion 1.5 at 512 px should take ${seconds < 10 ? seconds.toFixed(2) : count(Math.round(seconds))} s here.`,
  forecast: 'Forecast from what was measured below; the first steps of a training tell the truth.',
  text: 'For an issue or a comparison',
  copy: 'Copy all of it',
  copied: 'Copied',
  busy: 'A training is under way: it has the card.',
  back: 'Back to Darkroom',
};
