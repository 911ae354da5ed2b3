// Memory, time and file size of runs that have not begun: asked of the worker once per kind of run, one question at a time; ten steps measured.
import { SvelteMap } from 'svelte/reactivity';
import type { Forecast, Progress, TrainingSettings } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';

/** Only these change the plan; the rest changes how often it runs. */
const kindOf = (settings: TrainingSettings): string => {
  const {
    rank,
    batch,
    accumulate,
    classPictures,
    optimizer,
    activations,
    recompute,
    resolution,
    weights,
    previewSteps,
  } = settings;
  return [
    rank,
    batch,
    accumulate,
    classPictures > 0,
    optimizer,
    activations,
    recompute,
    resolution,
    weights,
    previewSteps,
  ].join(' ');
};

export class Forecasts {
  trouble = $state.raw<Mishap | null>(null);
  /** Ten steps are being measured, and how far that is. */
  measuring = $state.raw<Progress | null>(null);
  /** Counts how often everything was forgotten: whoever shows forecasts asks again. */
  version = $state(0);
  readonly #known = new SvelteMap<string, Forecast>();
  readonly #studio: StudioCalls;
  readonly #asked = new Set<string>();
  #modelId: string | null = null;
  #last: Promise<void> = Promise.resolve();
  #stop: AbortController | null = null;
  #measured: Promise<void> = Promise.resolve();

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  of(settings: TrainingSettings): Forecast | null {
    return this.#known.get(kindOf(settings)) ?? null;
  }

  ask(settings: TrainingSettings): void {
    const kind = kindOf(settings);
    if (this.#asked.has(kind)) return;
    this.#asked.add(kind);
    this.#last = this.#last.then(() => this.#answer(kind, settings));
  }

  /** What is known of another model is forgotten. */
  use(modelId: string): void {
    if (this.#modelId !== null && this.#modelId !== modelId) this.forget();
    this.#modelId = modelId;
  }

  /** Another model, or a first measured speed: everything is asked again. */
  forget(): void {
    this.#asked.clear();
    this.#known.clear();
    this.trouble = null;
    this.version++;
  }

  /** Ten steps on this card with these settings; what it took is in the forecasts afterwards. */
  measure(settings: TrainingSettings): Promise<void> {
    if (!this.measuring) this.#measured = this.#measure(settings);
    return this.#measured;
  }
  /** The card is wanted for something else. Resolves once it is free. */
  async stopMeasuring(): Promise<void> {
    this.#stop?.abort();
    await this.#measured;
  }

  async #measure(settings: TrainingSettings): Promise<void> {
    const stop = new AbortController();
    this.#stop = stop;
    this.trouble = null;
    this.measuring = { phase: 'preparing-gpu', done: 0, total: 0 };
    try {
      await this.#studio.measure(stop.signal, $state.snapshot(settings), (progress) => {
        if (this.measuring) this.measuring = progress;
      });
      this.forget();
    } catch (error) {
      if (!wasAborted(error)) this.trouble = mishap(error);
    } finally {
      this.measuring = null;
    }
  }

  async #answer(kind: string, settings: TrainingSettings): Promise<void> {
    if (!this.#asked.has(kind)) return;
    try {
      const forecast = await this.#studio.forecast($state.snapshot(settings));
      if (!this.#asked.has(kind)) return;
      this.#known.set(kind, forecast);
    } catch (error) {
      this.#asked.delete(kind);
      this.trouble = mishap(error);
    }
  }
}
