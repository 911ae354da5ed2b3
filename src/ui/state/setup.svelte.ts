// The settings of the next run: a preset's, worked out from the number of photos and the model, and what the user changed.
import type { Project, TrainingSettings } from '../../worker/api.ts';
import { knobsFor, type Pasted, pasteSettings } from '../train/knobs.ts';
import { defaultPreset, presetSettings, type RecipeId, recipeIds, stepsOf } from '../train/presets.ts';

/** What settings depend on. */
interface ModelOfSetup {
  chosen: string | null;
  resolution: number; // px
  sizes: readonly number[]; // px
}
type Changes = Partial<TrainingSettings>;

export class Setup {
  preset = $state<RecipeId>(defaultPreset);
  changes = $state.raw<Changes>({});
  readonly #photos: () => number;
  readonly #model: () => ModelOfSetup;
  readonly defaults: TrainingSettings = $derived(this.of(this.preset));
  readonly settings: TrainingSettings = $derived(this.#counted({ ...this.defaults, ...this.#usable() }));
  /** The settings as a table; which resolutions there are is the model's affair. */
  readonly knobs = $derived.by(() => knobsFor(this.#model().sizes));
  readonly changed = $derived(Object.keys(this.changes).length);

  constructor(photos: () => number, model: () => ModelOfSetup) {
    this.#photos = photos;
    this.#model = model;
  }

  get photos(): number {
    return this.#photos();
  }
  get modelId(): string | null {
    return this.#model().chosen;
  }
  /** What a preset would be, with the photos and the model of now. */
  of(id: RecipeId): TrainingSettings {
    const { chosen, resolution } = this.#model();
    return presetSettings(id, this.#photos(), chosen, resolution);
  }

  restore({ preset, ...changes }: Project['settings']): void {
    this.preset = recipeIds.find((known) => known === preset) ?? defaultPreset;
    this.changes = changes;
  }
  /** A preset is a fresh start: what was changed belonged to the other one. */
  choose(id: RecipeId): void {
    this.preset = id;
    this.changes = {};
  }
  /** A value equal to the preset's is no change. Alpha goes with rank for as long as the two are equal. */
  set<K extends keyof TrainingSettings>(name: K, value: TrainingSettings[K]): void {
    const alphaFollows = name === 'rank' && this.settings.alpha === this.settings.rank;
    const alpha: Changes = alphaFollows ? { alpha: value as TrainingSettings['rank'] } : {};
    this.#put({ [name]: value, ...alpha });
  }
  reset(name?: keyof TrainingSettings): void {
    if (!name) this.changes = {};
    else this.#put({ [name]: this.defaults[name] });
  }
  paste(text: string): Pasted {
    const pasted = pasteSettings(text, this.settings, this.knobs);
    if ('settings' in pasted) this.#put(pasted.settings);
    return pasted;
  }

  /** Settings that fit the card, as a trouble or a hint names them. */
  apply(settings: Changes): void {
    this.#put(settings);
  }

  /** A resolution that was chosen for another model waits until that one is chosen again. */
  #usable(): Changes {
    const { resolution, ...others } = this.changes;
    return resolution !== undefined && this.#model().sizes.includes(resolution) ? this.changes : others;
  }
  /** Epochs say how many steps it is, unless the steps were said: they win. */
  #counted(settings: TrainingSettings): TrainingSettings {
    return 'steps' in this.changes ? settings : { ...settings, steps: stepsOf(settings, this.#photos()) };
  }
  #put(values: Changes): void {
    const all = Object.entries({ ...this.changes, ...values });
    this.changes = Object.fromEntries(
      all.filter(([name, value]) => value !== this.defaults[name as keyof TrainingSettings]),
    );
  }
}
