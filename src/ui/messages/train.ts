// Every word of the Train screen, in English: before, while, and after a run.
import type { PhaseNeeds, Progress, TrainingSettings } from '../../worker/api.ts';
import { count as amount } from '../amounts.ts';
import type { PresetId, RecipeId } from '../train/presets.ts';
import type { Span } from '../train/time-left.ts';
import type { Verdict } from '../train/verdict.ts';

const count = (n: number, one: string, many: string): string => `${amount(n)} ${n === 1 ? one : many}`;
const spanText = ({ value, unit, rest }: Span): string =>
  unit === 'h' && rest > 0 ? `${value} h ${rest} min` : `${value} ${unit}`;
const presets: Record<PresetId, { name: string; use: string }> = {
  quick: { name: 'Quick', use: 'A first look' },
  balanced: { name: 'Balanced', use: 'Right for most things' },
  thorough: { name: 'Thorough', use: 'Faces, fine detail' },
};
const recipes: Record<RecipeId, string> = {
  quick: 'Quick',
  balanced: 'Balanced',
  thorough: 'Thorough',
  diffusers: 'diffusers, to the letter',
  'kohya-like': 'kohya-like',
};
interface KnobWords {
  name: string;
  unit: string;
  effect: string;
}
const choices: Record<string, string> = {
  f32: '32-bit',
  f16: '16-bit',
  int8: '8-bit',
  on: 'on',
  off: 'off',
  auto: 'when needed',
  constant: 'constant',
  linear: 'linear',
  cosine: 'cosine',
};
const knobs: Record<keyof TrainingSettings, KnobWords> = {
  steps: { name: 'Steps', unit: '', effect: 'More steps: closer, until it memorises.' },
  batch: { name: 'Batch', unit: 'photos', effect: 'Photos per step. More: calmer, slower, more memory.' },
  accumulate: {
    name: 'Accumulate',
    unit: 'passes',
    effect: 'Passes per step. Like a bigger batch without the memory.',
  },
  seed: { name: 'Seed', unit: '', effect: 'Same seed, same machine: the same adapter.' },
  learningRate: {
    name: 'Learning rate',
    unit: '',
    effect: 'How far one step goes. Too high and the numbers run away.',
  },
  schedule: { name: 'Schedule', unit: '', effect: 'How the rate changes towards the end.' },
  warmupSteps: { name: 'Warm-up', unit: 'steps', effect: 'The rate rises from zero over these steps.' },
  clip: { name: 'Gradient clipping', unit: '', effect: 'A larger gradient is shortened to this norm.' },
  rank: { name: 'Rank', unit: '', effect: 'Room for detail. Doubling it doubles the file.' },
  alpha: { name: 'Alpha', unit: '', effect: 'Scales the adapter by alpha / rank.' },
  beta1: { name: 'Beta 1', unit: '', effect: 'Memory of the direction (AdamW).' },
  beta2: { name: 'Beta 2', unit: '', effect: 'Memory of the size of steps (AdamW).' },
  weightDecay: { name: 'Weight decay', unit: '', effect: 'Pulls the adapter towards zero.' },
  epsilon: { name: 'Epsilon', unit: '', effect: 'Keeps AdamW from dividing by zero.' },
  keptAside: { name: 'Kept aside', unit: 'photos', effect: 'Not learned from: they measure how close it is.' },
  previewEvery: {
    name: 'Preview every',
    unit: 'steps',
    effect: 'Draws, measures and saves a moment. 0: only at the end.',
  },
  previewSteps: { name: 'Preview quality', unit: 'steps', effect: 'Drawing steps of a preview (DDIM).' },
  activations: { name: 'Precision', unit: '', effect: 'f16 needs less memory; f32 is exact.' },
  resolution: {
    name: 'Resolution',
    unit: 'px',
    effect: 'Side of what is learned and drawn. Smaller: less memory, faster.',
  },
  weights: { name: 'Model weights', unit: '', effect: '8-bit (int8) halves the memory of the model itself.' },
  recompute: { name: 'Low-memory mode', unit: '', effect: 'Computes twice to hold less. A fifth slower.' },
};

export const train = {
  // before
  setupTitle: 'How thorough?',
  presets,
  recipes,
  span: spanText,
  number: amount,
  measuring: 'measuring…',
  working: 'working it out…',
  unknownTime: 'not measured yet',
  steps: 'Steps',
  stepsCount: (n: number) => count(n, 'step', 'steps'),
  afterModel: 'when the model is open',
  rank: 'Rank',
  rate: 'Rate',
  file: 'File',
  photosRibbon: (n: number) => count(n, 'photo', 'photos'),
  demoNote: 'These numbers fit the demo model: small, so it takes a ten times higher rate than Stable Diffusion 1.5.',
  advanced: 'Advanced',
  asIn: (preset: RecipeId) => `As in ${recipes[preset]}`,
  changes: (n: number) => count(n, 'change', 'changes'),
  reset: 'Reset',
  resetAll: 'Reset all',
  resetOne: (name: string, value: string) => `Reset ${name} to ${value}`,
  showAll: (n: number) => `Show all ${n} settings`,
  showFewer: 'Show fewer',
  copySettings: 'Copy settings',
  pasteSettings: 'Paste settings',
  copied: 'Copied',
  pasteLabel: 'Settings as JSON',
  pasteUse: 'Use these',
  pasteBad: (name: string) =>
    name === 'JSON'
      ? 'This is not JSON. Copy settings shows the form.'
      : `“${name}” has a value that cannot be used. Nothing was changed.`,
  pasteIgnored: (names: string[]) => `Not known here and left out: ${names.join(', ')}.`,
  startFrom: 'Start from',
  groups: {
    length: 'Length',
    rate: 'Rate',
    adapter: 'Adapter',
    optimizer: 'Optimizer',
    photos: 'Photos',
    previews: 'Previews and memory',
  },
  knobs,
  option: (key: keyof TrainingSettings, option: string | number): string =>
    key === 'resolution' ? `${option} px` : (choices[option] ?? String(option)),
  limits: (min: string, max: string, whole: boolean) =>
    `${whole ? 'A whole number' : 'A number'} from ${min} to ${max}.`,
  defaultIs: (value: string) => `Default: ${value}.`,
  perPhoto: (n: number) => `${amount(n)} a photo`,
  fileOf: (size: string) => `${size} file`,
  equalsRank: '= rank',

  // fit
  before: 'Before you start',
  time: 'Time',
  about: (time: string) => `about ${time}`,
  gpuMemory: 'GPU memory',
  fileSize: 'File size',
  photos: 'Photos',
  learnAndCheck: (learn: number, check: number) =>
    check > 0 ? `${learn} to learn, ${check} to check` : `${learn} to learn, none kept aside`,
  phases: { encode: 'Looking at photos', train: 'Training', preview: 'Preview', decode: 'A picture' } satisfies Record<
    PhaseNeeds['phase'],
    string
  >,
  phaseTable: 'What each phase takes at its peak',
  phase: 'Phase',
  gpu: 'GPU',
  ram: 'Computer',
  most: 'the most',
  fitsCard: (gigabytes: number | null) =>
    gigabytes === null ? 'More than most graphics cards have.' : `Fits a graphics card with ${gigabytes} GB or more.`,
  lighter: (words: string, size: string, gigabytes: number) => `On a ${gigabytes} GB card: ${words}, ${size}.`,
  useLighter: 'Use these settings',
  measure: 'Measure the time',
  measureHint: 'Ten steps on this graphics card. Nothing of them is kept.',
  measuringSteps: ({ phase, done, total }: Progress) =>
    phase === 'measuring' || phase === 'training' ? `measuring… ${done}/${total}` : 'measuring…',
  stopMeasuring: 'Stop measuring',
  awake: 'The screen stays awake while it trains. Keep the lid open.',
  onBattery: 'On battery now. Plug it in: training empties a battery fast, and many computers slow down.',
  measured: (speed: string, previews: number) =>
    `Time is measured on this graphics card: ${speed} s a step, plus ${count(previews, 'preview', 'previews')}.`,
  notMeasured: 'How long it takes is not known yet on this graphics card.',
  start: 'Start training',
  startHint: 'You can pause, close the tab, and come back. It goes on where it stopped.',
  needs: {
    model: 'Choose a model first.',
    arrival: 'The model is not here yet. Training can begin once it is.',
    photos: 'Add photos first.',
    name: 'Give it a name first.',
  },
  goTo: { model: 'Choose a model', arrival: 'Go to Model', photos: 'Add photos', name: 'Give it a name' },

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
  done: (span: Span) => `Done in ${spanText(span)}`,
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
};
