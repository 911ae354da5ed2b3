// The graphics card: what the worker found when it asked for the fast one, or why there is none.
import type { GpuReport } from '../../worker/api.ts';
import { device } from '../device.ts';
import { type Mishap, mishap, type StudioCalls } from './studio.ts';

/** Steps of less work than this say little of a card: it mostly waits for the next dispatch. */
const TELLING_FLOPS = 1e11;
/** A card of its own trains faster than this: 0.5 TFLOP/s, in FLOPs a ms. */
const OWN_CARD = 0.5e9;
/** Where it is remembered which card was slow. */
const key = 'darkroom.slow-card';
const idOf = ({ name, vendor, architecture }: GpuReport): string => [name, vendor, architecture].join('|');

export class Gpu {
  report = $state.raw<GpuReport | null>(null);
  trouble = $state.raw<Mishap | null>(null);
  readonly looking = $derived(!this.report && !this.trouble);
  /** Nothing on this page can train without one. */
  readonly missing = $derived(this.trouble !== null);
  readonly slow = $derived(this.report?.kind === 'integrated' || this.report?.kind === 'software');
  /** Its training steps were slower than a card of its own makes them. */
  slowSteps = $state(false);
  /** A computer with two may have given the other one. Apple's have one; what is software has its own advice. */
  readonly mayBeOther = $derived.by(() => {
    const { report } = this;
    if (!report || report.kind === 'software' || report.vendor.toLowerCase().startsWith('apple')) return false;
    if (device.kind !== 'computer') return false;
    const unsaid = report.kind === 'unknown' && report.vendor.toLowerCase().startsWith('amd');
    return report.kind === 'integrated' || unsaid || this.slowSteps;
  });
  readonly #studio: StudioCalls;

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  /** Steps of a run were timed; what they say of this card is remembered. */
  timed(flopsPerStep: number, msPerStep: number): void {
    if (!this.report || flopsPerStep < TELLING_FLOPS || !(msPerStep > 0)) return;
    const slow = flopsPerStep / msPerStep < OWN_CARD;
    if (slow === this.slowSteps) return;
    this.slowSteps = slow;
    try {
      if (slow) localStorage.setItem(key, idOf(this.report));
      else localStorage.removeItem(key);
    } catch {
      // Not remembered in a private window; still said.
    }
  }

  async inspect(): Promise<void> {
    this.trouble = null;
    try {
      this.report = await this.#studio.inspect();
      this.slowSteps = remembered() === idOf(this.report);
    } catch (error) {
      this.report = null;
      this.trouble = mishap(error);
    }
  }
}

function remembered(): string | null {
  try {
    return globalThis.localStorage?.getItem(key) ?? null;
  } catch {
    return null;
  }
}
