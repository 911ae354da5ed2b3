// The card measured on request: how far it is, what came out or why not; ended when it is no longer wanted.
import type { CardBench, Progress } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';

/** What the page says it takes. `?bench=MS` in the address is another: for tests, and for who wants it exactly. */
const budgetMs = (): number => {
  const asked = Number(new URLSearchParams(globalThis.location?.search).get('bench'));
  return asked > 0 ? asked : 60_000;
};

export class CardBenching {
  progress = $state.raw<Progress | null>(null);
  result = $state.raw<CardBench | null>(null);
  trouble = $state.raw<Mishap | null>(null);
  readonly #studio: StudioCalls;
  #stop: AbortController | null = null;

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  async start(): Promise<void> {
    if (this.progress) return;
    const stop = new AbortController();
    this.#stop = stop;
    this.trouble = null;
    this.result = null;
    this.progress = { phase: 'measuring', done: 0, total: 0 };
    try {
      this.result = await this.#studio.bench(stop.signal, budgetMs(), (progress) => {
        if (this.progress) this.progress = progress;
      });
    } catch (error) {
      if (!wasAborted(error)) this.trouble = mishap(error);
    } finally {
      this.progress = null;
    }
  }
  stop(): void {
    this.#stop?.abort();
  }
}
