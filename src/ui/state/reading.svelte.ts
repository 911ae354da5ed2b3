// Texts in; how many of their words the open model does not read out: nothing is said before a model is open, and all of it once one is.
import { SvelteMap } from 'svelte/reactivity';
import type { StudioCalls } from './studio.ts';

/** Texts that are remembered; 500 captions and what is typed meanwhile. */
const remembered = 2000;

export class Reading {
  readonly #studio: StudioCalls;
  readonly #model: () => string | null;
  readonly #cut = new SvelteMap<string, number>();
  readonly #asked = new Set<string>();

  /** `model`: the open one's id, whose tokenizer counts. */
  constructor(studio: StudioCalls, model: () => string | null) {
    [this.#studio, this.#model] = [studio, model];
  }

  /** Somebody can count. */
  get open(): boolean {
    return this.#model() !== null;
  }
  /** Words at the end of a text that are not read, or not whole; null while nobody knows. */
  cut(text: string): number | null {
    const key = this.#key(text);
    return key === null ? null : (this.#cut.get(key) ?? null);
  }

  /** Asks for the texts not known yet; of an effect it should be all that the effect shows. */
  async ask(texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      const key = this.#key(text);
      if (key === null || this.#asked.has(key)) continue;
      this.#asked.add(key);
      try {
        const { wordsCut } = await this.#studio.tokens(text, '');
        if (this.#key(text) === key) this.#keep(key, wordsCut);
        else this.#asked.delete(key); // another model answered
      } catch {
        this.#asked.delete(key); // closed meanwhile: asked again with the next one
      }
    }
  }

  #key(text: string): string | null {
    const model = this.#model();
    return model === null ? null : `${model}\n${text.trim()}`;
  }
  #keep(key: string, wordsCut: number): void {
    this.#cut.set(key, wordsCut);
    const [oldest] = this.#cut.keys();
    if (this.#cut.size <= remembered || oldest === undefined) return;
    this.#cut.delete(oldest);
    this.#asked.delete(oldest);
  }
}
