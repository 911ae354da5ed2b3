// The model this project uses: which one is chosen, how far opening it has come, what it is once open.
import type { ModelInfo, Progress } from '../../worker/api.ts';
import { demoId, fullId } from './models.svelte.ts';
import { type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';

/** What is known of a model's pictures before it is open. */
const usualSizes = (id: string | null): number[] => (id === demoId ? [128] : [256, 384, 512]);

export class Model {
  chosen = $state<string | null>(null);
  /** Nobody has chosen it: a screen needed some model, and took the one that needs no download. */
  #byDefault = $state(false);
  info = $state.raw<ModelInfo | null>(null);
  progress = $state.raw<Progress | null>(null);
  trouble = $state.raw<Mishap | null>(null);
  readonly opening = $derived(this.progress !== null);
  readonly ready = $derived(this.info !== null);
  /** px, square, smallest first: what it can be trained and drawn at. */
  readonly sizes = $derived(this.info?.sizes ?? usualSizes(this.chosen));
  /** `sizes` is not a guess: of a model that was taken in, only itself can tell. */
  readonly sizesKnown = $derived(
    this.info !== null || this.chosen === null || this.chosen === demoId || this.chosen === fullId,
  );
  /** px: what it was trained at. */
  readonly resolution = $derived(this.info?.resolution ?? this.sizes.at(-1)!);
  readonly #studio: StudioCalls;
  #stop: AbortController | null = null;
  #opened: Promise<boolean> | null = null;
  #waiting: (() => void)[] = [];

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  /** Makes it this project's model without opening it: it may not be here yet. */
  choose(id: string): void {
    this.#byDefault = false;
    if (this.chosen === id) return;
    this.close();
    this.chosen = id;
  }

  /** The model as the user chose it. */
  get own(): string | null {
    return this.#byDefault ? null : this.chosen;
  }
  /** As the project has it, whichever tab chose it. */
  set own(id: string | null) {
    if (id === this.own) return;
    if (id) this.choose(id);
    else this.#byDefault = this.chosen !== null;
  }
  /** The model is used: it is the user's from now on. */
  take(): void {
    this.#byDefault = false;
  }

  /** It was deleted: no longer open, still this project's. */
  close(): void {
    this.#stop?.abort();
    this.#stop = this.#opened = null;
    this.info = this.trouble = this.progress = null;
  }

  /** Opens it, or waits for the opening under way; true when it is ready. */
  open(id: string): Promise<boolean> {
    if (this.#opened && this.chosen === id && !this.trouble) return this.#opened;
    this.choose(id);
    this.#stop?.abort();
    this.#opened = this.#open(id);
    return this.#opened;
  }

  /** When a model is open, however long that takes and however often it is tried; the one that needs no download when none was chosen. */
  opened(): Promise<void> {
    if (this.ready) return Promise.resolve();
    if (!this.chosen) {
      void this.open(demoId);
      this.#byDefault = true;
    }
    return this.next();
  }
  /** When a model is opened the next time. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #open(id: string): Promise<boolean> {
    const stop = new AbortController();
    this.#stop = stop;
    this.info = null;
    this.trouble = null;
    this.progress = { phase: 'opening-model', done: 0, total: 0 };
    try {
      const info = await this.#studio.openModel(stop.signal, id, (progress) => {
        if (this.#stop === stop) this.progress = progress;
      });
      if (this.#stop !== stop) return false;
      this.info = info;
      for (const resolve of this.#waiting.splice(0)) resolve();
      return true;
    } catch (error) {
      if (this.#stop === stop && !wasAborted(error)) this.trouble = mishap(error);
      return false;
    } finally {
      if (this.#stop === stop) this.progress = null;
    }
  }
}
