// Every word a user can read, in one typed object per language. A second language is one more `Messages`; numbers and names are arguments.
import type { Phase, PhotoFlag, Progress } from '../worker/api.ts';
import { count, percent } from './amounts.ts';
import { bench } from './messages/bench.ts';
import { compare } from './messages/compare.ts';
import { intake } from './messages/intake.ts';
import { library } from './messages/library.ts';
import { model } from './messages/model.ts';
import { name } from './messages/name.ts';
import { numbers } from './messages/numbers.ts';
import { train } from './messages/train.ts';
import { trouble, unreadableShort } from './messages/trouble.ts';
import { update } from './messages/update.ts';
import { words } from './messages/words.ts';
import type { Screen } from './state/route.svelte.ts';

const steps: Record<Screen, string> = {
  model: 'Model',
  photos: 'Photos',
  name: 'Name',
  train: 'Train',
  compare: 'Compare',
  bench: 'Bench',
  library: 'Library',
  models: 'Models',
};
const phases: Record<Phase, string> = {
  'opening-model': 'Opening the model',
  'reading-photos': 'Reading photos',
  'encoding-photos': 'Looking at photos',
  'encoding-text': 'Reading the prompt',
  'preparing-gpu': 'Preparing the GPU',
  training: 'Training',
  measuring: 'Measuring',
  drawing: 'Drawing',
  saving: 'Saving',
};

export const en = {
  app: {
    name: 'Darkroom',
    skip: 'Skip to content',
    stepsLabel: 'Steps',
    step: (n: number, of: number, name: string) => `${n} / ${of} · ${name}`,
    toLight: 'Use the light theme',
    toDark: 'Use the dark theme',
    close: 'Close',
    undo: 'Undo',
    again: 'Try again',
    bringingBack: 'Bringing back your photos and settings.',
    details: 'Details',
    copy: 'Copy',
    copied: 'Copied',
    title: (screen: Screen, share: number | null) =>
      share === null ? `${steps[screen]} · Darkroom` : `${percent(share)} · Darkroom`,
  },
  steps,
  phases,
  progress: ({ phase, done, total }: Progress) => (total ? `${phases[phase]} ${done}/${total}` : phases[phase]),
  lamp: {
    off: 'The GPU is free',
    training: (share: number) => `Training ${percent(share)}`,
    paused: (step: number) => `Paused at step ${count(step)}`,
    trouble: 'Needs you',
    drawing: 'Drawing',
    drawingThenTraining: 'Drawing, then training',
    measuring: 'Measuring',
    transfer: (kind: 'fetch' | 'import', share: number | null) =>
      `${kind === 'fetch' ? 'Getting' : 'Taking in'} model${share === null ? '' : ` ${percent(share)}`}`,
    opening: ({ done, total }: Progress) => (total ? `Opening model ${percent(done / total)}` : 'Opening model'),
  },

  model,

  photos: {
    title: 'Photos of one thing',
    sub: 'Different places, angles and light. What stays the same in every photo is what gets learned.',
    drop: 'Drop 5 to 30 photos here',
    dropHint:
      'JPEG, HEIC, PNG, WebP or AVIF. Captions in .txt or .caption files beside them are read too. They stay on this computer.',
    choose: 'Choose photos',
    add: 'Add photos',
    samples: 'Or try sample photos',
    sample: (name: string, n: number) => `${name} · ${n} photos`,
    samplesFailed: 'The sample photos could not be loaded. Check the connection and try again.',
    sheet: 'Photos',
    reading: 'Reading',
    frame: (n: number, name: string, inUse: boolean) => `Photo ${n}, ${name}, ${inUse ? 'in use' : 'left out'}`,
    frameReading: (n: number, name: string) => `Photo ${n}, ${name}, reading`,
    frameUnreadable: (n: number, name: string) => `Photo ${n}, ${name}, cannot be used`,
    keys: 'Arrow keys move, Space puts a photo in or out, Enter edits it, Delete removes it.',
    leftOut: 'Left out',
    putBack: 'Put back',
    useAnyway: 'Use anyway',
    flag: (flag: PhotoFlag, of: number | null) =>
      flag.kind === 'too-small'
        ? `Too small: ${flag.shortSide} px`
        : flag.kind === 'near-duplicate'
          ? `Nearly the same${of ? ` as ${of}` : ''}`
          : flag.kind === 'panorama'
            ? `${flag.squares} : 1, only a part is used`
            : flag.kind === 'mask'
              ? 'A mask, kept aside'
              : 'Looks blurred',
    flagLong: (flag: PhotoFlag, of: number | null) =>
      flag.kind === 'too-small'
        ? `Too small: ${flag.shortSide} px. At least ${flag.needs} on the short side.`
        : flag.kind === 'near-duplicate'
          ? `Nearly the same as ${of ? `photo ${of}` : 'another photo'}.`
          : flag.kind === 'panorama'
            ? `${flag.squares} times as long as it is high. The square holds only a part of it: move it to your subject.`
            : flag.kind === 'mask'
              ? 'Its name says it is a mask. Darkroom learns from whole photos and does not read masks.'
              : 'It looks blurred. A sharper one teaches more.',
    photo: (n: number) => `Photo ${n}`,
    leaveOut: 'Leave out',
    remove: 'Remove',
    removed: (name: string) => `${name} removed`,
    removeAll: 'Remove all',
    removedAll: (n: number) => (n === 1 ? '1 photo removed' : `${n} photos removed`),
    crop: 'Crop',
    cropHint: 'Drag the square to frame your subject.',
    cropKeys: 'Arrow keys move the square, Shift moves further, plus and minus change its size.',
    cropPx: (side: number) => `${side} px.`,
    cropSize: 'Size of the square',
    cropAt: (left: number, top: number, size: number) => `Left ${percent(left)}, top ${percent(top)}, ${percent(size)}`,
    recentre: 'Centre',
    caption: 'Caption (optional)',
    edit: 'Crop and caption',
    stay: 'They stay on this computer.',
    captionsAll: 'All captions',
    captionsText: 'Text for all captions',
    captionsFront: 'Add to front',
    captionsReplace: 'Replace',
    captionsClear: 'Clear',
    captionsChanged: (n: number) => `${n} captions changed`,
    inUse: (n: number, of: number) => (n === of ? `${n} in use` : `${n} of ${of} in use`),
    meter: ['5 works', '15 better', '25 best'],
    enough: (n: number) =>
      n === 0
        ? ''
        : n < 5
          ? `Add ${5 - n} more ${5 - n === 1 ? 'photo' : 'photos'}`
          : n > 30
            ? 'More than enough'
            : n >= 25
              ? 'Plenty'
              : n >= 15
                ? 'Better'
                : 'Good start',
    many: 'More than 30 rarely helps and takes longer.',
    few: 'Fewer than five photos teach one pose and one place.',
    next: (n: number) => (n === 0 ? 'Continue' : `Continue with ${n} ${n === 1 ? 'photo' : 'photos'}`),
    nextAnyway: 'Continue anyway',
    tips: [
      { title: 'Change the place', text: 'Otherwise the table is learned along with the toy.' },
      { title: 'Change the pose and angle', text: 'Front, side, from above; near and far.' },
      { title: 'Keep it sharp and centred', text: 'The square should hold all of it.' },
    ],
    good: 'What makes good photos',
    goodText: [
      'One subject, the same one in every photo.',
      'Five will do. Fifteen are better.',
      'Nothing else should repeat: not the table, not the wall.',
    ],
    added: (n: number) => (n === 1 ? '1 photo read' : `${n} photos read`),
  },

  name,

  train,
  compare,
  bench,
  intake,
  library,
  numbers,
  words,
  update,

  notKept: 'What you add now is not kept over a reload.',

  trouble,
  unreadableShort,
};

/** The shape every language fills. */
export type Messages = typeof en;
