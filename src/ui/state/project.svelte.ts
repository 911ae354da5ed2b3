// The project: everything the user typed or dropped, kept by the worker so that a reload brings it back.
import type { Project as Stored } from '../../worker/api.ts';
import type { Model } from './model.svelte.ts';
import type { Naming } from './naming.svelte.ts';
import type { Photos } from './photos.svelte.ts';
import type { Run } from './run.svelte.ts';
import type { Setup } from './setup.svelte.ts';
import { type Mishap, mishap, type StudioCalls } from './studio.ts';

const restMs = 400;

export class Project {
  loaded = $state(false);
  trouble = $state.raw<Mishap | null>(null);
  readonly #studio: StudioCalls;
  readonly #model: Model;
  readonly #photos: Photos;
  readonly #naming: Naming;
  readonly #setup: Setup;
  readonly #run: Run;
  readonly snapshot: Stored = $derived.by(() => ({
    modelId: this.#model.chosen,
    photos: this.#photos.all,
    identifier: this.#naming.identifier,
    classNoun: this.#naming.classNoun,
    settings: { ...this.#setup.changes, preset: this.#setup.preset },
    runId: this.#run.id,
  }));
  #pending: Stored | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(studio: StudioCalls, model: Model, photos: Photos, naming: Naming, setup: Setup, run: Run) {
    [this.#studio, this.#model, this.#photos] = [studio, model, photos];
    [this.#naming, this.#setup, this.#run] = [naming, setup, run];
  }

  async load(): Promise<void> {
    try {
      const stored = await this.#studio.loadProject();
      if (stored) this.#restore(stored);
      this.loaded = true;
    } catch (error) {
      // Not marked as loaded: what is stored and could not be read is not written over.
      this.trouble = mishap(error);
    }
  }

  #restore(stored: Stored): void {
    this.#photos.restore(stored.photos);
    this.#naming.restore(stored.identifier, stored.classNoun);
    this.#setup.restore(stored.settings);
    this.#run.id ??= stored.runId;
    this.#model.chosen ??= stored.modelId;
  }

  /** Saves after a short rest, so that typing is one write. */
  keep(snapshot: Stored): void {
    if (!this.loaded) return;
    this.#pending = snapshot;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), restMs);
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = null;
    try {
      await this.#studio.saveProject(pending);
      this.trouble = null;
    } catch (error) {
      this.#pending ??= pending;
      this.trouble = mishap(error);
    }
  }

  /** After a trouble: what could not be read is read, what could not be written is written. */
  again(): Promise<void> {
    this.trouble = null;
    return this.loaded ? this.flush() : this.load();
  }
}
