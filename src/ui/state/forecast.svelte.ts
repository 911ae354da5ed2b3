// Memory, time and file size of runs that have not begun: asked of the worker once per kind of run, one question at a time.
import { SvelteMap } from 'svelte/reactivity';
import type { GpuBytes, TrainingSettings } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls } from './studio.ts';

export interface Forecast {
  gpuBytes: GpuBytes;
  flopsPerStep: number;
  adapterBytes: number;
  msPerStep: number | null;
}

/** Only these change the plan; the rest changes how often it runs. */
const kindOf = ({ rank, batch, accumulate, activations, recompute }: TrainingSettings): string =>
  [rank, batch, accumulate, activations, recompute].join(' ');

export class Forecasts {
  trouble = $state.raw<Mishap | null>(null);
  readonly #known = new SvelteMap<string, Forecast>();
  readonly #studio: StudioCalls;
  readonly #asked = new Set<string>();
  #modelId: string | null = null;
  #last: Promise<void> = Promise.resolve();

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
    if (this.#modelId !== modelId) this.forget();
    this.#modelId = modelId;
  }

  /** Another model, or a first measured speed: everything is asked again. */
  forget(): void {
    this.#asked.clear();
    this.#known.clear();
    this.trouble = null;
  }

  async #answer(kind: string, settings: TrainingSettings): Promise<void> {
    if (!this.#asked.has(kind)) return;
    try {
      const forecast = await this.#studio.forecast($state.snapshot(settings));
      if (!this.#asked.has(kind)) return;
      this.#known.set(kind, forecast);
      this.trouble = null;
    } catch (error) {
      this.#asked.delete(kind);
      this.trouble = mishap(error);
    }
  }
}
