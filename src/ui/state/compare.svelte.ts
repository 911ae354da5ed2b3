// Compare: one prompt and seed drawn without and with the adapter, at a strength and a moment; both downloads.
import type { AdapterFile, AdapterInfo, AdapterLayout, DrawRequest, Picture, Progress } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';

export class Compare {
  adapter = $state.raw<AdapterInfo | null>(null);
  prompt = $state('');
  negativePrompt = $state('');
  seed = $state(42);
  steps = $state(20);
  guidance = $state(7.5);
  strength = $state(1);
  moment = $state<number | null>(null); // null = the best
  layout = $state<AdapterLayout>('kohya');
  without = $state.raw<Picture | null>(null);
  with = $state.raw<Picture | null>(null);
  progress = $state.raw<Progress | null>(null);
  trouble = $state.raw<Mishap | null>(null);
  readonly drawing = $derived(this.progress !== null);
  readonly #studio: StudioCalls;
  #stop: AbortController | null = null;

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  /** Draws *without* only when prompt, seed or sampler changed, then *with*. */
  async draw(): Promise<void> {
    this.stop();
    const stop = new AbortController();
    this.#stop = stop;
    this.trouble = null;
    this.progress = { phase: 'drawing', done: 0, total: 0 };
    const onProgress = (progress: Progress) => {
      if (this.#stop === stop) this.progress = progress;
    };
    try {
      const base = this.request(0);
      if (JSON.stringify(base) !== JSON.stringify(this.without?.request)) {
        const picture = await this.#studio.draw(stop.signal, base, onProgress);
        if (this.#stop === stop) this.without = picture;
      }
      const adapted = await this.#studio.draw(stop.signal, this.request(this.strength), onProgress);
      if (this.#stop === stop) this.with = adapted;
    } catch (error) {
      if (this.#stop === stop && !wasAborted(error)) this.trouble = mishap(error);
    } finally {
      if (this.#stop === stop) this.progress = null;
    }
  }

  request(strength: number): DrawRequest {
    const { prompt, negativePrompt, seed, steps, guidance } = this;
    const adapterId = strength === 0 ? null : (this.adapter?.adapterId ?? null);
    return {
      prompt,
      negativePrompt,
      seed,
      steps,
      guidance,
      adapterId,
      moment: adapterId ? this.moment : null,
      strength,
    };
  }

  stop(): void {
    this.#stop?.abort();
    this.#stop = null;
    this.progress = null;
  }

  file(adapter: AdapterInfo): Promise<AdapterFile> {
    return this.#studio.adapterFile(adapter.adapterId, this.moment, this.layout);
  }
}
