// The name: identifier and class noun, the prompt they make, and what the tokenizer says about it.
import type { TokenReport } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls } from './studio.ts';

export class Naming {
  identifier = $state('');
  classNoun = $state('');
  report = $state.raw<TokenReport | null>(null);
  nounReport = $state.raw<TokenReport | null>(null);
  trouble = $state.raw<Mishap | null>(null);
  readonly name = $derived(this.identifier.trim());
  readonly noun = $derived(this.classNoun.trim());
  readonly prompt = $derived(`a photo of ${[this.name, this.noun].filter(Boolean).join(' ')}`);
  readonly classPrompt = $derived(`a photo of ${this.noun}`);
  readonly complete = $derived(this.name !== '' && this.noun !== '');
  readonly #studio: StudioCalls;
  #asked = 0;

  constructor(studio: StudioCalls) {
    this.#studio = studio;
  }

  restore(identifier: string, classNoun: string): void {
    this.identifier ||= identifier;
    this.classNoun ||= classNoun;
  }

  async suggest(): Promise<void> {
    try {
      this.identifier = await this.#studio.suggestIdentifier();
      this.trouble = null;
    } catch (error) {
      this.trouble = mishap(error);
    }
  }

  /** Asks for the pieces of what is typed now; an answer that comes late is dropped. */
  async tokenize(): Promise<void> {
    const ask = ++this.#asked;
    const read = (word: string) => (word ? this.#studio.tokens(word, word) : null);
    try {
      const [report, nounReport] = await Promise.all([read(this.name), read(this.noun)]);
      if (ask === this.#asked) [this.report, this.nounReport] = [report, nounReport];
    } catch (error) {
      if (ask === this.#asked) this.trouble = mishap(error);
    }
  }
}
