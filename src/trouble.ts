// Trouble: an error that a person can act on. Lower layers say what was expected and what came, as data; ui/messages.ts says it in words.

/** Where a file came from. */
export type FileOrigin = 'fetched' | 'disk';

/** Every trouble the page has a sentence for. The facts each carries are listed beside it. */
export interface TroubleFacts {
  'no-webgpu': Record<string, never>;
  /** Opened by plain http from another computer: browsers keep WebGPU, and most of what the page stands on, for https and localhost. */
  'not-secure': { address: string };
  'no-adapter': Record<string, never>;
  /** A card answered before and none does now: Chrome holds graphics back after two losses. `step`: of the run that waited, the last one saved. */
  'graphics-held': { step?: number };
  'device-lost': { reason: string; step?: number };
  /** The worker said nothing for long and was ended. `step`: of the training that it did, the last one saved. */
  'no-answer': { step?: number };
  /** The device dropped something that it was given and is still there: what was computed since cannot be trusted. `message` is its own. */
  'gpu-refused': { message: string };
  /** `gotBytes` were granted before one was refused. `fits`: changed settings that need no more than that, where there are any. */
  'out-of-memory': {
    neededBytes: number;
    gotBytes: number;
    fits: { settings: Readonly<Record<string, string | number>>; neededBytes: number } | null;
  };
  /** `origin`: what was fetched can be fetched again; a file of the user's, or a model made of one, cannot. */
  'file-damaged': { file: string; expected: string; got: string; origin?: FileOrigin };
  /** Changed, moved or unplugged since it was chosen; or cleared by the browser. */
  'file-unreadable': { file: string; origin?: FileOrigin };
  'file-missing': { file: string; status: number };
  /** The connection broke, or the server refused, and patience did not help. What arrived is kept. */
  'download-cut': { file: string; status: number; storedBytes: number; totalBytes: number };
  /** The content policy that this page was built with lets it ask no such host. */
  'mirror-refused': { host: string };
  /** All bytes came and the header is right, but the sha256 is another: kept aside. */
  'hash-differs': { file: string; expected: string; got: string };
  /** Opened before all of it was here, or the browser has cleared a part of it. */
  'model-incomplete': { modelId: string; missingBytes: number; origin?: FileOrigin };
  /** Another tab is writing this model. */
  'model-busy': { modelId: string };
  /** A file that is something else than a Stable Diffusion 1 or 2 checkpoint, by name. */
  'not-a-checkpoint': {
    file: string;
    kind:
      | 'inpainting'
      | 'instruct-pix2pix'
      | 'depth'
      | 'upscaler'
      | 'image-prompt'
      | 'video'
      | 'sdxl'
      | 'newer-family'
      | 'lora'
      | 'controlnet'
      | 'textual-inversion'
      | 'pickle'
      | 'gguf'
      | 'incomplete'
      | 'links'
      | 'several'
      | 'unknown';
    detail: string; // which keys or bytes say so
    name?: string; // of a family, where that is known more closely than its kind
  };
  /** A file that was opened as a LoRA and is something else. */
  'not-an-adapter': {
    file: string;
    kind:
      | 'checkpoint'
      | 'controlnet'
      | 'textual-inversion'
      | 'dora'
      | 'loha'
      | 'lokr'
      | 'oft'
      | 'ia3'
      | 'full-difference'
      | 'sdxl'
      | 'flux'
      | 'newer-family'
      | 'other-adapter'
      | 'text-only'
      | 'pickle'
      | 'gguf'
      | 'unknown';
    detail: string; // which keys or bytes say so
  };
  /** Asked before any model is open. `file`: what was to be opened on it. */
  'no-model': { file?: string };
  /** An adapter, a run, a saved step or a model that is not stored any more; `damaged`: its bytes are not those that were written. */
  gone: { what: 'adapter' | 'run' | 'moment' | 'model'; name: string; damaged?: true };
  /** Something that has to wait until no training is under way. */
  'busy-training': Record<string, never>;
  /** Weights that nothing can be drawn or trained with: `count` values of a tensor that is used are no finite f16. `found`: the worst of them. */
  'broken-weights': { file: string; tensor: string; found: 'nan' | 'infinite' | 'too-large'; count: number };
  'not-this-family': { key: string; expected: string; got: string };
  /**
   * 'gone': the file changed, or its disk is not there, before we had a copy. 'lost': our copy cannot be read. 'unread': the page was left before
   * it was read. 'blank': the browser drew nothing of it. `format`: what its bytes are, whatever its name: HEIC, TIFF, PDF …; '' or absent where
   * that is not known. `id`: the photo's. `words`: the browser's.
   */
  'photo-unreadable': {
    file: string;
    reason:
      | 'not-an-image'
      | 'other-format'
      | 'damaged'
      | 'truncated'
      | 'too-large'
      | 'blank'
      | 'gone'
      | 'lost'
      | 'unread';
    format?: string;
    id?: string;
    words?: string;
  };
  'photo-too-small': { file: string; width: number; height: number; needs: number };
  'no-photos': Record<string, never>;
  'no-identifier': Record<string, never>;
  'no-class-noun': Record<string, never>;
  'prompt-too-long': { words: number };
  'adapter-mismatch': { file: string; expected: string; got: string };
  /** `overflow`: the forward pass itself was not finite, which no loss scale and no learning rate of the next step cures: 16 bits are too few. */
  'numbers-ran-away': { step: number; keptStep: number; overflow?: boolean };
  'disk-full': { neededBytes: number; freeBytes: number };
  /** `doing`: what the other one has the graphics card for, where it says so. */
  'another-tab': { doing?: 'training' | 'drawing' | 'measuring' };
  /** Neither save of a run, the newest of step `step`, has the bytes that were written. */
  'run-damaged': { step: number };
  /** A run cannot go on as it began: it learned from `began` photos, of which `here` are at hand; `missing`: names, where they are known. */
  'other-photos': { began: number; here: number; missing: string[] };
  /** The sentence of the class pictures says the name, so that they would teach what it is not. */
  'class-prompt': { prompt: string };
  /** Prior preservation asks for more pictures of the class than there are. */
  'few-class-pictures': { asked: number; here: number };
  'bad-setting': { setting: string; expected: string; got: string };
}
export type TroubleCode = keyof TroubleFacts;

/** Thrown by every layer for what a user can mend. `message` is plain English for logs and tests; the page words it from `code` and `facts`. */
export class Trouble<C extends TroubleCode = TroubleCode> extends Error {
  constructor(
    readonly code: C,
    readonly facts: TroubleFacts[C],
    message: string = `${code} ${JSON.stringify(facts)}`,
  ) {
    super(message);
    this.name = 'Trouble';
  }
}
