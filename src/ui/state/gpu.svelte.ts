// The graphics card: what the worker found when it asked for the fast one, or why there is none.
import type { GpuReport } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls } from './studio.ts';

export class Gpu {
  report = $state.raw<GpuReport | null>(null);
  trouble = $state.raw<Mishap | null>(null);
  readonly looking = $derived(!this.report && !this.trouble);
  /** Nothing on this page can train without one. */
  readonly missing = $derived(this.trouble !== null);
  readonly slow = $derived(this.report?.kind === 'integrated' || this.report?.kind === 'software');
  readonly #studio: StudioCalls;

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  async inspect(): Promise<void> {
    this.trouble = null;
    try {
      this.report = await this.#studio.inspect();
    } catch (error) {
      this.report = null;
      this.trouble = mishap(error);
    }
  }
}
