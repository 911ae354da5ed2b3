// Every word of the Train screen while and after a run, in English; those before it are in before.ts.
import type { Progress } from '../../worker/api.ts';
import { count as amount } from '../amounts.ts';
import type { Span } from '../train/time-left.ts';
import type { Verdict } from '../train/verdict.ts';
import { before, spanText } from './before.ts';
import { slowed } from './memory.ts';

export const train = {
  ...before,

  // running
  title: 'Training',
  soFar: 'So far',
  earlier: 'Picked',
  closest: 'Closest',
  yourPhoto: 'Your photo',
  photoOf: (n: number, all: number) => `${n} / ${all}`,
  nextPhoto: 'Show the next photo',
  step: (n: number) => `step ${amount(n)}`,
  stepOf: (n: number, all: number) => `Step ${amount(n)} of ${amount(all)}`,
  untrained: 'before training',
  sketch: 'sketch',
  sketchHint: 'Colours read straight from the numbers. Developing it takes longer.',
  develop: 'Develop',
  developing: ({ done, total }: Progress) => (total > 1 ? `Developing ${done}/${total}` : 'Developing…'),
  stopDeveloping: 'Stop',
  noPreview: 'The first preview appears here.',
  noPictures: 'The next preview appears here when it goes on.',
  previewAlt: (step: number, seed: number, prompt: string) => `Picture, step ${step}, seed ${seed}: ${prompt}`,
  previewAt: (step: number) => (step === 0 ? 'Preview before training' : `Preview at step ${step}`),
  cellBefore: 'before',
  cellBest: (step: string) => `${step} best`,
  cellEnd: (step: string) => `${step} end`,
  phaseCount: (done: number, total: number) => `${amount(done)}/${amount(total)}`,
  preparing: 'Getting ready',
  preparingHint: 'Training begins when all of these are done.',
  left: (span: Span) => ({
    value: spanText(span).split(' ')[0]!,
    rest: `${spanText(span).split(' ').slice(1).join(' ')} left`,
  }),
  leftUnknown: 'measuring the time',
  finishing: 'Finishing…',
  pausing: 'Pausing…',
  stopping: 'Stopping…',
  pause: 'Pause',
  goOn: 'Continue',
  stopAndKeep: 'Stop and keep',
  endNow: (saved: number) => (saved > 0 ? `End at once, keep step ${amount(saved)}` : 'End at once, keep nothing'),
  previewNow: 'Preview now',
  previewComing: 'Preview coming',
  facts: 'Numbers of this run',
  speed: 'Speed',
  speedValue: (seconds: string) => `${seconds} s a step`,
  heldOutLoss: { 'kept-aside': 'Loss, photo kept aside', training: 'Loss, all photos, fixed noise' },
  trainingLoss: 'Loss, photos in training',
  saved: 'Saved',
  savedNothing: 'not yet',
  learningRate: 'Learning rate',
  ownPhotos: (n: number) => `It goes on with the ${n === 1 ? 'photo' : `${amount(n)} photos`} it began with.`,
  ownPhotosHint: 'Photos, crops or captions have changed since. A new run learns from those.',
  keepOpen: (step: number) =>
    step > 0
      ? `Keep this tab open. If the page reloads or the card resets, training goes on from step ${amount(step)}.`
      : 'Keep this tab open. Progress is saved along the way.',
  legendDots: {
    'kept-aside': 'Photo kept aside (trust this one)',
    training: 'Your photos, fixed noise (trust this one)',
  },
  legendBand: 'Photos in training (jumps are normal)',
  howToRead: 'Lower is closer. If the dots turn upwards it has begun to memorise: take the lowest dot.',
  hover: (step: number, loss: string, heldOut: string) =>
    [`step ${amount(step)}`, loss && `training ${loss}`, heldOut && `kept aside ${heldOut}`]
      .filter(Boolean)
      .join(' · '),
  chartDetails: 'Numbers',
  tableCaption: 'Measured losses',
  tableStep: 'Step',
  tableLoss: { 'kept-aside': 'Photo kept aside', training: 'All photos, fixed noise' },
  tableChange: 'Change',
  changePercent: (share: number) => `${share > 0 ? '+' : share < 0 ? '−' : ''}${Math.abs(share * 100).toFixed(1)} %`,
  csvName: 'darkroom-losses.csv',
  chartEmpty: 'Nothing is measured yet.',
  downloadCsv: 'Download CSV',
  chartAlt: (text: string, first: string, last: string) => `${text} The measured loss went from ${first} to ${last}.`,

  verdict(verdict: Verdict): { bold: string; rest: string } {
    switch (verdict.kind) {
      case 'too-early':
        return { bold: 'Too early to tell.', rest: 'Three measurements are needed.' };
      case 'closer':
        return { bold: 'Still getting closer.', rest: `Best so far: step ${amount(verdict.best)}. Let it run.` };
      case 'wavering':
        return { bold: `Best so far: step ${amount(verdict.best)}.`, rest: 'The next measurement will tell.' };
      case 'settled':
        return { bold: 'Settled.', rest: `More steps change little. Best: step ${amount(verdict.best)}.` };
      case 'past-best':
        return { bold: 'Past its best:', rest: `step ${amount(verdict.best)} was closest. You can stop.` };
      case 'not-learning':
        return {
          bold: 'Not closer yet than before training.',
          rest: 'If it stays so, another learning rate may help.',
        };
    }
  },

  // news
  paused: (step: number) => `Paused at step ${amount(step)}.`,
  pausedHint: 'the GPU is free',
  resumeTitle: (step: number) => `Stopped at step ${amount(step)}.`,
  resumeHint: (span: Span) => `about ${spanText(span)} to go`,
  resumeFrom: (step: number) => `Continue from step ${amount(step)}`,
  startNew: 'Start a new run',
  discard: 'Delete it',
  discarded: 'The unfinished run was deleted.',
  resetTitle: 'The graphics card was reset. Nothing is lost.',
  resetHint: (step: number) => `Training goes on from step ${amount(step)}.`,
  heldTitle: 'The browser holds back graphics for two minutes after two crashes.',
  heldHint: (step: number) =>
    `It goes on by itself ${step > 0 ? `from step ${amount(step)}` : 'then'}; reload the page to go on at once.`,
  hungTitle: 'Training stopped answering and was started again.',
  hungHint: (step: number) =>
    step > 0 ? `Nothing is lost; it goes on from step ${amount(step)}.` : 'Nothing was saved yet; it begins anew.',
  slowed,
  stoodStill: (span: Span) => `Training stood still for ${spanText(span)}.`,
  stoodStillHint:
    'The computer slept, or the browser froze this tab. Nothing is lost. Keep the tab in front and the computer plugged in.',
  done: (span: Span) => `Done in ${spanText(span)}`,
  earlierWeights: 'What it learned is kept. It goes on with the new ones; its loss may jump where it does.',
  doneTitle: 'Done',
  stoppedTitle: (step: number) => `Kept at step ${amount(step)}`,
  doneBest: (best: number, gain: number) =>
    `Step ${amount(best)} came closest: loss ${(gain * 100).toFixed(1)} % lower than before training. It is saved in this browser.`,
  donePlain: (best: number) => `Step ${amount(best)} came closest. It is saved in this browser.`,
  doneNothing:
    'It did not get closer to your photos than the untrained model. Try more steps or another learning rate.',
  compare: 'Compare',
  newRun: 'New run',
  more: (steps: number) => `Train ${amount(steps)} more`,
  toSettings: 'Back to the settings',
  notSaved: (step: number) => `Step ${amount(step)} could not be saved: the disk is full.`,
  notSavedHint: (kept: number) =>
    `Training is paused; step ${amount(kept)} is safe. Make room on the disk, then continue.`,
  failedKept: (step: number) =>
    step > 0 ? `Step ${amount(step)} is saved. Continue from there.` : 'Nothing was trained yet.',
  keepStep: (step: number) => `Keep step ${amount(step)}`,
  lowMemory: 'Use low-memory mode',

  // for screen readers and the window's title
  sayTenth: (percent: number, span: string) => `Training, ${percent} percent, ${span} left.`,
  sayPreview: (step: number) => `New picture at step ${amount(step)}.`,
  sayBest: (step: number) => `Step ${amount(step)} is the best so far.`,
  sayDone: 'Training is done.',
  notify: 'Tell me when it is done',
  notifyRefused: 'This browser was told not to notify for this page. Its settings for the page change that.',
};
