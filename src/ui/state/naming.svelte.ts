// The name: identifier and class noun, the prompt they make, and what the tokenizer says about it.
import type { TokenReport } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls } from './studio.ts';

export class Naming {
  identifier = $state('');
  classNoun = $state('');
  /** What the tokenizer says of the name as it stands; null until it was asked. */
  readonly report: TokenReport | null = $derived.by(() => (this.#heard?.of === this.name ? this.#heard.report : null));
  trouble = $state.raw<Mishap | null>(null);
  readonly name = $derived(this.identifier.trim());
  readonly noun = $derived(this.classNoun.trim());
  readonly prompt = $derived(`a photo of ${[this.name, this.noun].filter(Boolean).join(' ')}`);
  readonly classPrompt = $derived(`a photo of ${this.noun}`);
  readonly complete = $derived(this.name !== '' && this.noun !== '');
  #heard = $state.raw<{ of: string; report: TokenReport } | null>(null);
  readonly #studio: StudioCalls;
  readonly #opened: () => Promise<void>;
  #asked = 0;

  /** `opened`: when the model is, whose tokenizer reads the name. */
  constructor(studio: StudioCalls, opened: () => Promise<void>) {
    this.#studio = studio;
    this.#opened = opened;
  }

  restore(identifier: string, classNoun: string): void {
    this.identifier ||= identifier;
    this.classNoun ||= classNoun;
  }

  /** A made-up name into an empty field; never over what was typed meanwhile. */
  async offer(): Promise<void> {
    await this.#opened();
    if (!this.name) await this.suggest();
  }
  async suggest(): Promise<void> {
    await this.#opened();
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
    await this.#opened();
    const { name } = this;
    if (ask !== this.#asked || name === '') return;
    try {
      const report = await this.#studio.tokens(name, name);
      if (ask === this.#asked) this.#heard = { of: name, report };
    } catch (error) {
      if (ask === this.#asked) this.trouble = mishap(error);
    }
  }
}
