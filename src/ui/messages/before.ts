// Every word of the Train screen before a run, in English: presets, settings, what it will take.
import type { PhaseNeeds, Progress, TrainingSettings } from '../../worker/api.ts';
import { count as amount } from '../amounts.ts';
import type { Device } from '../device.ts';
import type { Knob, KnobRefusal } from '../train/knobs.ts';
import type { PresetId, RecipeId } from '../train/presets.ts';
import type { Span } from '../train/time-left.ts';
import { choices, knobs } from './knobs.ts';
import { numbers } from './numbers.ts';

const count = (n: number, one: string, many: string): string => `${amount(n)} ${n === 1 ? one : many}`;
export const spanText = ({ value, unit, rest }: Span): string =>
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
  guide: 'the guide, whole',
  diffusers: 'diffusers, to the letter',
  'kohya-like': 'kohya-like',
};
export const before = {
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
  pasteNoJson: 'This is not JSON. Copy settings shows the form.',
  pasteBad: (knob: Knob, refusal: KnobRefusal, given: unknown): string => {
    const why =
      refusal.kind === 'no-choice'
        ? `One of ${refusal.options.join(', ')}.`
        : refusal.kind === 'no-text'
          ? `A text of at most ${refusal.longest} letters.`
          : knob.kind === 'number'
            ? numbers.refused(refusal, knob, typeof given === 'string' ? given : JSON.stringify(given))
            : '';
    return `“${knob.key}”: ${why} Nothing was changed.`;
  },
  pasteIgnored: (names: string[]) => `Not known here and left out: ${names.join(', ')}.`,
  startFrom: 'Start from',
  groups: {
    length: 'Length',
    rate: 'Rate',
    adapter: 'Adapter',
    class: 'Class pictures',
    optimizer: 'Optimizer',
    loss: 'Loss',
    photos: 'Photos',
    previews: 'Previews and memory',
  },
  knobs,
  option: (key: keyof TrainingSettings, option: string | number): string =>
    key === 'resolution' ? `${option} px` : (choices[option] ?? String(option)),
  defaultIs: (value: string) => `Default: ${value}.`,
  classHere: (here: number, asked: number) =>
    here < asked
      ? `${amount(here)} of ${count(asked, 'picture', 'pictures')} here.`
      : `All ${count(asked, 'picture', 'pictures')} are here.`,
  classMake: (n: number) => `Make ${count(n, 'picture', 'pictures')}`,
  classMaking: 'Making class pictures',
  classLeft: (n: number, time: string | null) =>
    `${amount(n)} to go${time ? `, about ${time}` : ''}. Each is kept as soon as it is made.`,
  classStop: 'Stop',
  classAdd: 'Add your own',
  classUse: (n: number) => `Use ${amount(n)}`,
  classClear: 'Remove all',
  perPhoto: (n: number) => `${amount(n)} a photo`,
  fileOf: (size: string) => `${size} file`,
  equalsRank: '= rank',
  viewsTake: (views: number, size: string, time: string | null) =>
    `${count(views, 'view', 'views')}, ${size}${time ? `, about ${time} to look at` : ''}.`,
  momentsOf: (packed: string, whole: string) => `8-bit keeps ${packed} for ${whole}.`,

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
  awake: 'The screen stays awake while this tab is in front. Keep the lid open.',
  hidden: (browser: Device['browser']) =>
    `In a hidden tab training may stand still: the screen sleeps, and on battery ${browser === 'Chrome' ? 'Chrome’s Energy Saver' : 'the browser'} may freeze busy tabs. It goes on when you are back.`,
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
    classes: 'The class pictures are not all here yet.',
  },
  goTo: { model: 'Choose a model', arrival: 'Go to Model', photos: 'Add photos', name: 'Give it a name' },
};
