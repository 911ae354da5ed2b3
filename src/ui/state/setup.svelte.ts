// The settings of the next run: a preset's, worked out from the number of photos and the model, and what the user changed.
import type { Project, TrainingSettings } from '../../worker/api.ts';
import { type Pasted, pasteSettings } from '../train/knobs.ts';
import { defaultPreset, presetSettings, type RecipeId, recipeIds } from '../train/presets.ts';

type Changes = Partial<TrainingSettings>;

export class Setup {
  preset = $state<RecipeId>(defaultPreset);
  changes = $state.raw<Changes>({});
  readonly #photos: () => number;
  readonly #modelId: () => string | null;
  readonly defaults: TrainingSettings = $derived(this.of(this.preset));
  readonly settings: TrainingSettings = $derived({ ...this.defaults, ...this.changes });
  readonly changed = $derived(Object.keys(this.changes).length);

  constructor(photos: () => number, modelId: () => string | null = () => null) {
    this.#photos = photos;
    this.#modelId = modelId;
  }

  get photos(): number {
    return this.#photos();
  }
  get modelId(): string | null {
    return this.#modelId();
  }
  /** What a preset would be, with the photos and the model of now. */
  of(id: RecipeId): TrainingSettings {
    return presetSettings(id, this.#photos(), this.#modelId());
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
    const pasted = pasteSettings(text, this.settings);
    if ('settings' in pasted) this.#put(pasted.settings);
    return pasted;
  }

  #put(values: Changes): void {
    const all = Object.entries({ ...this.changes, ...values });
    this.changes = Object.fromEntries(
      all.filter(([name, value]) => value !== this.defaults[name as keyof TrainingSettings]),
    );
  }
}
