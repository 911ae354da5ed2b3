// A training job and the open model in; nothing out where it can be trained, or the Trouble that says what cannot be used.
import { classSentence, nameSentence } from '../dataset/caption.ts';
import { asRead, holdsName } from '../dataset/name-in-caption.ts';
import { MOST_CLIP_SKIP } from '../diffusion/picture.ts';
import type { LoraModule } from '../gpu/engine-types.ts';
import type { TrainingJob } from '../training/job.ts';
import { POLYNOMIAL_END } from '../training/learning-rate.ts';
import { optimizers, schedules, type TrainingSettings, targets } from '../training/settings.ts';
import { Trouble } from '../trouble.ts';
import { checkSampler, checkSize, checkWeights } from './drawing.ts';

/** Throws the Trouble that a job cannot be trained with. `sizes`: the open model's, px; `modules`: what an adapter of it changes. */
export function checkJob(job: TrainingJob, sizes: readonly number[], modules: readonly LoraModule[]): void {
  const { photos, identifier, classNoun, settings } = job;
  if (photos.length === 0) throw new Trouble('no-photos', {});
  if (identifier.trim() === '') throw new Trouble('no-identifier', {});
  if (classNoun.trim() === '') throw new Trouble('no-class-noun', {});
  checkSize('resolution', settings.resolution, sizes);
  checkWeights(settings.weights);
  checkSampler('previewSampler', settings.previewSampler);
  oneOf('schedule', settings.schedule, schedules);
  oneOf('optimizer', settings.optimizer, optimizers);
  oneOf('targets', settings.targets, targets);
  oneOf('mirror', settings.mirror, ['on', 'off']);
  for (const [setting, { is, expected }] of Object.entries(RULES)) {
    const value = settings[setting as keyof typeof RULES];
    if (!(Number.isFinite(value) && is(value)))
      throw new Trouble('bad-setting', { setting, expected, got: String(value) });
  }
  if (settings.schedule === 'polynomial' && settings.learningRate <= POLYNOMIAL_END) {
    const expected = `more than ${POLYNOMIAL_END}, which a polynomial schedule ends at`;
    throw new Trouble('bad-setting', { setting: 'learningRate', expected, got: String(settings.learningRate) });
  }
  const narrowest = Math.min(...modules.flatMap(({ inFeatures, outFeatures }) => [inFeatures, outFeatures]));
  if (settings.rank > narrowest) {
    const expected = `at most ${narrowest}, the width of the model’s narrowest layer`;
    throw new Trouble('bad-setting', { setting: 'rank', expected, got: String(settings.rank) });
  }
  if (settings.classPictures > 0) checkClass(job);
}

/** What a class picture teaches must be another sentence than the name's, or it would unteach it; and all that were asked for must be there. */
function checkClass({ identifier, classNoun, classPictures, settings }: TrainingJob): void {
  const prompt = classSentence(settings.classPrompt, classNoun);
  const { length: here } = classPictures ?? [];
  if (asRead(prompt) === asRead(nameSentence(identifier, classNoun)) || holdsName(prompt, identifier, ''))
    throw new Trouble('class-prompt', { prompt });
  if (here < settings.classPictures) throw new Trouble('few-class-pictures', { asked: settings.classPictures, here });
}

function oneOf(setting: keyof TrainingSettings, got: string, options: readonly string[]): void {
  if (!options.includes(got)) throw new Trouble('bad-setting', { setting, expected: options.join(', '), got });
}
const whole = (least: number, most: number) => ({
  is: (value: number) => Number.isInteger(value) && value >= least && value <= most,
  expected: `a whole number from ${least} to ${most}`,
});
const above = (least: number, most: number) => ({
  is: (value: number) => value > least && value <= most,
  expected: `a number above ${least}, at most ${most}`,
});
const from = (least: number, most: number) => ({
  is: (value: number) => value >= least && value < most,
  expected: `a number from ${least}, below ${most}`,
});
const RULES = {
  steps: whole(1, 100_000),
  epochs: whole(0, 100_000),
  batch: whole(1, 64),
  accumulate: whole(1, 64),
  learningRate: above(0, 1),
  warmupSteps: whole(0, 100_000),
  cycles: whole(1, 1000),
  power: above(0, 100),
  clip: above(0, 1e6),
  rank: whole(1, 128),
  alpha: above(0, 1024),
  seed: whole(0, Number.MAX_SAFE_INTEGER),
  beta1: from(0, 1),
  beta2: from(0, 1),
  epsilon: above(0, 1),
  weightDecay: from(0, 100),
  minSnrGamma: from(0, 1e6),
  noiseOffset: from(0, 1),
  classPictures: whole(0, 1000),
  priorWeight: from(0, 100),
  keptAside: whole(0, 100),
  crops: whole(0, 100),
  clipSkip: whole(1, MOST_CLIP_SKIP),
  captionDropout: from(0, 1),
  tagOrders: whole(0, 100),
  keptTags: whole(0, 100),
  heldOutDraws: whole(1, 1000),
  previewEvery: whole(0, 100_000),
  previewSteps: whole(1, 200),
} satisfies Partial<Record<keyof TrainingSettings, { is(value: number): boolean; expected: string }>>;
