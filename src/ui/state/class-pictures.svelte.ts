// The pictures of a class beside the user's photos: the user's own first, then what the model made of the class sentence; making those that lack.
import type { ClassPicture, DrawRequest } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';

/** What made pictures depend on, and how many are wanted. */
export interface ClassAsked {
  modelId: string | null;
  request: Pick<DrawRequest, 'prompt' | 'seed' | 'size' | 'weights' | 'sampler' | 'guidance'>;
  count: number;
}
const OWN = 'own';
export const classSteps = 25;

export class ClassPictures {
  own = $state.raw<ClassPicture[]>([]);
  making = $state.raw<{ done: number; total: number } | null>(null);
  /** What one took here; null until one was made. */
  msEach = $state<number | null>(null);
  trouble = $state.raw<Mishap | null>(null);
  #made = $state.raw<ReadonlyMap<number, ClassPicture>>(new Map());
  #loaded = '';
  #stop: AbortController | null = null;
  readonly #studio: StudioCalls;
  readonly #asked: () => ClassAsked;
  /** As many as are wanted and here. */
  readonly all: ClassPicture[] = $derived.by(() => {
    const made = [...this.#made].sort(([a], [b]) => a - b).map(([, picture]) => picture);
    return [...this.own, ...made].slice(0, this.#asked().count);
  });
  readonly lacking: number = $derived.by(() => this.#asked().count - this.all.length);

  constructor(studio: StudioCalls, asked: () => ClassAsked) {
    this.#studio = studio;
    this.#asked = asked;
  }

  /** What is kept for what is asked for now: once a set. */
  async load(): Promise<void> {
    const set = this.#set();
    if (set === this.#loaded) return;
    this.#loaded = set;
    this.#made = new Map();
    try {
      const [own, made] = await Promise.all([this.#studio.classPictures(OWN), this.#studio.classPictures(set)]);
      if (this.#loaded !== set) return;
      this.own = own.map(({ picture }) => picture);
      this.#made = new Map(made.map(({ index, picture }) => [index, picture]));
    } catch (error) {
      this.trouble = mishap(error);
    }
  }

  async add(files: readonly File[]): Promise<void> {
    this.trouble = null;
    try {
      for (const file of files) {
        const picture = { name: file.name, file: new Blob([await file.arrayBuffer()], { type: file.type }) };
        await this.#studio.keepClassPicture(OWN, this.own.length, picture);
        this.own = [...this.own, picture];
      }
    } catch (error) {
      this.trouble = mishap(error);
    }
  }

  /** The user's own and those of this set. */
  async clear(): Promise<void> {
    this.stop();
    await Promise.all([OWN, this.#set()].map((set) => this.#studio.clearClassPictures(set)));
    this.own = [];
    this.#made = new Map();
  }

  /** Draws those that lack, each kept as soon as it is there: stopped or killed, what was made is used and not drawn again. */
  async make(): Promise<void> {
    const stop = new AbortController();
    this.#stop?.abort();
    this.#stop = stop;
    this.trouble = null;
    const set = this.#set();
    const { request } = this.#asked();
    const total = this.lacking;
    try {
      for (let index = 0, done = 0; done < total; index++) {
        if (this.#made.has(index)) continue;
        this.making = { done, total };
        const picture = await this.#studio.draw(stop.signal, drawnAt(request, index), () => {});
        const kept = { name: `class-${String(index).padStart(3, '0')}.png`, file: picture.png };
        await this.#studio.keepClassPicture(set, index, kept);
        if (this.#stop !== stop || set !== this.#loaded) return;
        this.msEach = picture.ms;
        this.#made = new Map([...this.#made, [index, kept]]);
        done++;
      }
    } catch (error) {
      if (this.#stop === stop && !wasAborted(error)) this.trouble = mishap(error);
    } finally {
      if (this.#stop === stop) this.stop();
    }
  }

  stop(): void {
    this.#stop?.abort();
    this.#stop = null;
    this.making = null;
  }

  /** All that a made picture depends on. */
  #set(): string {
    const { modelId, request } = this.#asked();
    const { prompt, seed, size, weights, sampler, guidance } = request;
    return JSON.stringify([modelId, prompt, size, sampler, classSteps, guidance, seed, weights]);
  }
}

const drawnAt = (request: ClassAsked['request'], index: number): DrawRequest => ({
  ...{ ...request, seed: request.seed + index, negativePrompt: '', steps: classSteps },
  ...{ adapterId: null, moment: null, strength: 0 },
});
