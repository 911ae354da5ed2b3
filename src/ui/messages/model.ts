// Every word about models, in English: choosing, licence, download, what is stored, and this computer's graphics card.
import type { GpuReport, ModelListing, Progress } from '../../worker/api.ts';
import { bytes, duration, percent } from '../amounts.ts';

export const model = {
  earlierWeights: (name: string) => `${name} has new weights since this was begun.`,
  title: 'Teach Stable Diffusion something only you have.',
  sub: 'Five photos and your own graphics card. Nothing is installed, and no photo leaves this page.',
  samplesTag: 'Five sample photos. Yours go here.',
  sampleAlt: (name: string, n: number) => `Sample photo ${n} of ${name}`,
  blank: 'Your new picture.',
  blankHint: 'It begins as noise; your graphics card develops it.',
  blankStart: 'a photo of',
  blankIdentifier: 'aawxbc',
  choose: 'Start from a model',
  demoHint: (size: string | null) =>
    `A small Stable Diffusion, 128 px pictures${size ? `, ${size}` : ''}. It comes with the page and shows every step in minutes.`,
  fullHint: (size: string) => `Full quality, 512 px. One ${size} download, then it stays here and works offline.`,
  ownHint: (size: string, licence: string) => `Yours, ${size}. Licence: ${licence}.`,
  own: 'A checkpoint of yours',
  ownAsk: 'Any Stable Diffusion 1.x or 2.x: a .safetensors file, or a diffusers folder. Or drop it here.',
  file: 'Choose a file',
  folder: 'Choose a folder',
  mark: (state: ModelListing['state'], share: number | null) =>
    state === 'complete'
      ? 'Here'
      : state === 'doubted'
        ? 'In doubt'
        : state === 'part' && share !== null
          ? percent(share)
          : null,
  get: (size: string) => `Get the model · ${size}`,
  getHint: 'You will see its licence first. You can choose photos while it downloads.',
  goOn: (left: string) => `Continue · ${left} to go`,
  useIt: (name: string) => `Use ${name}`,
  trainingOther: 'A training goes on with another model. Stop it before you use this one.',

  // licence
  licenceTitle: (name: string) => `The licence of ${name}`,
  licenceText: [
    'You may use, change and share the model and what you make with it, also for money.',
    'You may not use it to harm people: no deception, no abuse, nothing illegal. Whoever gets the model from you is bound by the same rules.',
  ],
  licencePlain: 'The full text is what counts.',
  licenceRead: (licence: string) => `Read ${licence}`,
  from: (source: string) => `It comes from ${source}.`,
  accept: 'I accept',
  decline: 'Not now',

  // transfer
  getting: (name: string) => `Getting ${name}`,
  taking: (name: string) => `Taking in ${name}`,
  checking: (name: string) => `Checking what is here of ${name}`,
  of: (done: number, total: number) => `${bytes(done)} of ${bytes(total)}`,
  speed: (perSecond: number) => `${bytes(Math.round(perSecond))}/s`,
  left: (ms: number) => `${duration(ms)} left`,
  waiting: (ms: number) => `The server asked to wait ${duration(Math.max(1000, ms))}. What arrived is kept.`,
  beginning: 'Asking the server',
  beginningImport: 'Reading the file',
  meanwhile: 'You can choose photos meanwhile. Closing the tab only pauses it.',
  meanwhileImport: 'It is converted to 16 bits and stored here. Your file stays as it is.',
  pausedAt: (done: string) => `Paused at ${done}.`,
  pausedHint: (left: string) => `${left} to go. It goes on from there.`,
  pause: 'Pause',
  pausing: 'Pausing…',
  resume: 'Continue',
  cancel: 'Cancel',
  cancelling: 'Ending…',
  cancelAsk: (done: string) => `Delete the ${done} that arrived?`,
  delete: 'Delete',
  keep: 'Keep',
  arrived: (name: string) => `${name} is stored here.`,
  absent: (name: string) => `${name} is not here yet.`,
  absentHint: 'It is needed before anything is drawn or trained.',
  toModel: 'Go to Model',

  // doubt
  doubtTitle: (file: string) => `“${file}” is not the file we expected.`,
  doubtText:
    'Its size and contents look right, but its sha256 is another. It may have been damaged on the way, or published anew. It is kept aside.',
  expected: 'Expected',
  got: 'Arrived',
  fetchAgain: (size: string) => `Fetch again · ${size}`,
  useAnyway: 'Use it anyway',

  // stored
  stored: 'Stored in this browser',
  state: { absent: 'not here', part: 'a part of it', complete: 'complete', doubted: 'in doubt' } satisfies Record<
    ModelListing['state'],
    string
  >,
  storedFacts: (size: string, state: string) => `${size}, ${state}`,
  deleteOne: (name: string) => `Delete ${name}`,
  deleteAsk: (name: string, own: boolean) =>
    own
      ? `Delete ${name}? Adapters made with it are kept, but need it to draw. Your own file is not touched.`
      : `Delete ${name}? Adapters made with it are kept, but need it to draw. It can be fetched again.`,
  deleted: (name: string) => `${name} was deleted.`,
  room: 'Storage',
  used: (size: string) => `${size} in use`,
  free: (size: string) => `${size} free`,
  roomUnknown: 'The browser does not say how much room there is.',
  privacy:
    'Photos, models, runs and adapters are kept by this browser, on this computer. The page can ask nobody but its own address, and Hugging Face for the model.',
  persisted: 'The browser promised to keep it.',
  notPersisted: (webkit: boolean) =>
    webkit
      ? 'Safari clears it when you have not been here for seven days of using it, or when the disk runs low. Add this page to the Dock or the Home Screen and it stays.'
      : 'The browser may clear it when the disk runs low. Then only the missing part is fetched again.',
  maybePrivate: 'The browser did not promise to keep it. In a private window it goes when the window is closed.',
  use: 'Use the demo model',
  next: 'Continue to photos',
  opening: (progress: Progress) =>
    progress.total ? `Opening · ${percent(progress.done / progress.total)}` : 'Opening',
  ready: (name: string) => `${name} is here.`,
  anyway: 'Choose photos anyway',
  looking: 'Asking for the graphics card',
  can: 'This computer can do it.',
  canSlowly: 'This computer can do it, slowly.',
  facts: {
    card: 'Graphics card',
    needs: 'GPU memory needed',
    kind: 'Kind',
    model: 'Model',
    size: 'Size',
    resolution: 'Pictures',
    licence: 'Licence',
    vendor: 'Maker, family',
    buffer: 'Largest buffer',
    binding: 'Largest binding',
    half: '16-bit arithmetic',
  },
  needsFull: '2 GB, or 1.2 GB in 8 bits',
  px: (side: number) => `${side} × ${side} px`,
  yes: 'yes',
  no: 'no',
  gpuMore: 'What the browser says',
  kinds: {
    discrete: 'separate card',
    integrated: 'built into the processor',
    software: 'software, no card',
    unknown: 'not told',
  } satisfies Record<GpuReport['kind'], string>,
  hidden: 'not told by the browser',
  integrated: {
    title: 'This is the graphics built into the processor.',
    text: 'The page asked for the fast card and got this one. Training works, several times slower. If there is a second card:',
    how: [
      'Windows: Settings, System, Display, Graphics. Add this browser and choose High performance. Start the browser again.',
      'Mac: the built-in graphics is the fast one. Nothing to do.',
      'Linux: start the browser with DRI_PRIME=1, or with the NVIDIA profile set to performance.',
    ],
  },
  otherCard: {
    title: 'This may not be the fast graphics card.',
    text: 'The browser does not say which one it gave. If this computer has two, the other may be several times faster:',
    slow: 'Training steps were slower here than on a card of its own. If this computer has a second one:',
  },
  software: {
    title: 'No graphics card was found, only software drawing.',
    text: 'The demo model works this way, a few seconds a step. If this computer has a card, the browser may have it turned off:',
    how: [
      'In Chrome or Edge, open Settings, System and turn on “Use graphics acceleration when available”.',
      'Update the graphics driver, then start the browser again.',
      'A remote desktop or a virtual machine often hides the card.',
    ],
  },
  howToSwitch: 'How to switch',
  howToTurnOn: 'How to turn it on',
  noWebGpuHow: [
    'On a computer, open this page in Chrome or Edge 121 or newer.',
    'Safari 26 and Firefox 141 (Windows) or newer work too.',
    'Firefox, other systems: open about:config and set dom.webgpu.enabled to true.',
    'Safari 18: Settings, Advanced, Show features for web developers; then Feature Flags, WebGPU.',
  ],
  notSecureHow: [
    'Open the same page with https:// in front, if its host has that.',
    'Or run Darkroom on this computer: npm start, then the address that it prints (http://localhost:…).',
    'Whoever keeps this server: docs/hosting.md says how https is had.',
  ],
  noAdapterHow: [
    'In Chrome or Edge, open Settings, System and turn on “Use graphics acceleration when available”.',
    'Update the graphics driver and start the browser again.',
    'On Linux, chrome://flags/#enable-unsafe-webgpu may be needed.',
  ],
  again: 'Look again',
  phone: 'Most phones are too slow to train. Open this page on a computer:',
  phoneTitle: (device: 'phone' | 'tablet', name: string) => `${name} is too large for most ${device}s.`,
  phoneText: (webkit: boolean, size: string) =>
    `It would be a ${size} download, and ${webkit ? 'a page that takes more than 1.5 GB of memory is ended here' : 'few of them give a page the 1.2 to 2 GB of memory it needs'}. The demo model works: it trains with less than 0.2 GB.`,
  pickDemo: 'Take the demo model',
};
