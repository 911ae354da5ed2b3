// Texts in; what the open model reads of them out: nothing is said before a model is open, and all of it once one is.
import { SvelteMap } from 'svelte/reactivity';
import type { TokenReport } from '../../worker/api.ts';
import type { StudioCalls } from './studio.ts';

/** Texts that are remembered; 500 captions and what is typed meanwhile. */
const remembered = 2000;

export class Reading {
  readonly #studio: StudioCalls;
  readonly #model: () => string | null;
  readonly #read = new SvelteMap<string, Pick<TokenReport, 'wordsCut' | 'chunks'>>();
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
    return this.#known(text)?.wordsCut ?? null;
  }
  /** Parts of 75 tokens that a drawing prompt is read in; null while nobody knows. */
  chunks(text: string): number | null {
    return this.#known(text)?.chunks ?? null;
  }

  /** Asks for the texts not known yet; of an effect it should be all that the effect shows. */
  async ask(texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      const key = this.#key(text);
      if (key === null || this.#asked.has(key)) continue;
      this.#asked.add(key);
      try {
        const report = await this.#studio.tokens(text, '');
        if (this.#key(text) === key) this.#keep(key, report);
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
  #known(text: string): Pick<TokenReport, 'wordsCut' | 'chunks'> | undefined {
    const key = this.#key(text);
    return key === null ? undefined : this.#read.get(key);
  }
  #keep(key: string, { wordsCut, chunks }: TokenReport): void {
    this.#read.set(key, { wordsCut, chunks });
    const [oldest] = this.#read.keys();
    if (this.#read.size <= remembered || oldest === undefined) return;
    this.#read.delete(oldest);
    this.#asked.delete(oldest);
  }
}
