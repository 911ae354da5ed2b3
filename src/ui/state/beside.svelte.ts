// Adapters that are laid over the model together with the one on screen, each with its own strength; all of them as one adapter for good.
import type { AdapterChoice, AdapterInfo } from '../../worker/api.ts';
import type { StudioCalls } from './studio.ts';

export const BESIDE_LIMITS = { min: -2, max: 2, whole: false } as const;

export class Beside {
  choices = $state.raw<readonly AdapterChoice[]>([]);
  readonly #studio: StudioCalls;
  readonly #changed: () => Promise<void>;

  /** `changed`: the pictures on screen are not those any more. */
  constructor(studio: StudioCalls, changed: () => Promise<void>) {
    this.#studio = studio;
    this.#changed = changed;
  }

  strengthOf(adapterId: string): number | null {
    return this.choices.find((choice) => choice.adapterId === adapterId)?.strength ?? null;
  }
  /** null takes it away. The moment is always its best. */
  set(adapterId: string, strength: number | null): Promise<void> {
    const choice = strength === null ? [] : [{ adapterId, moment: null, strength }];
    const here = this.choices.some((one) => one.adapterId === adapterId);
    this.choices = here
      ? this.choices.flatMap((one) => (one.adapterId === adapterId ? choice : [one]))
      : [...this.choices, ...choice];
    return this.#changed();
  }
  /** What a picture at the full strength is drawn with besides the adapter on screen; nothing where there are none. */
  get asked(): { beside?: readonly AdapterChoice[] } {
    return this.choices.length > 0 ? { beside: this.choices } : {};
  }
  clear(): void {
    this.choices = [];
  }
  merge(own: AdapterChoice): Promise<AdapterInfo> {
    return this.#studio.mergeAdapters([own, ...this.choices]);
  }
}
