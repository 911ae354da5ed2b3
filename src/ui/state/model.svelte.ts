// The model: which one is chosen, how far opening it has come, what it is once open.
import type { ModelInfo, Progress } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';

export class Model {
  chosen = $state<string | null>(null);
  info = $state.raw<ModelInfo | null>(null);
  progress = $state.raw<Progress | null>(null);
  trouble = $state.raw<Mishap | null>(null);
  readonly opening = $derived(this.progress !== null);
  readonly ready = $derived(this.info !== null);
  readonly #studio: StudioCalls;
  #stop: AbortController | null = null;
  #opened: Promise<boolean> | null = null;
  #waiting: (() => void)[] = [];

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  /** Opens it, or waits for the opening under way; true when it is ready. */
  open(id: string): Promise<boolean> {
    if (this.#opened && this.chosen === id && !this.trouble) return this.#opened;
    this.#stop?.abort();
    this.#opened = this.#open(id);
    return this.#opened;
  }

  /** When a model is open, however long that takes and however often it is tried; the one that needs no download when none was chosen. */
  opened(): Promise<void> {
    if (this.ready) return Promise.resolve();
    if (!this.chosen) void this.open('demo');
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #open(id: string): Promise<boolean> {
    const stop = new AbortController();
    this.#stop = stop;
    this.chosen = id;
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
