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
  /** A made-up name that nobody has taken yet, and the noun it was offered beside. */
  #offered = $state.raw<{ name: string; noun: string } | null>(null);
  /** The name as the user gave it: one that was only offered is not theirs until they do something with it. */
  readonly own = $derived(
    this.#offered?.name === this.identifier && this.#offered.noun === this.classNoun ? '' : this.identifier,
  );
  #asked = 0;

  /** `opened`: when the model is, whose tokenizer reads the name. */
  constructor(studio: StudioCalls, opened: () => Promise<void>) {
    this.#studio = studio;
    this.#opened = opened;
  }

  /** As the project has it. An offered name stands until there is a real one. */
  restore(identifier: string, classNoun: string): void {
    const offered = identifier === '' && this.own === '' ? this.identifier : '';
    this.identifier = identifier || offered;
    this.classNoun = classNoun;
    this.#offered = offered ? { name: offered, noun: classNoun } : null;
  }
  /** The name on screen is used: it is the user's from now on. */
  take(): void {
    this.#offered = null;
  }

  /** A made-up name into an empty field; never over what was typed meanwhile. */
  async offer(): Promise<void> {
    await this.#opened();
    const made = this.name ? null : await this.#madeUp();
    if (!made || this.name) return;
    this.identifier = made;
    this.#offered = { name: made, noun: this.classNoun };
  }
  async suggest(): Promise<void> {
    await this.#opened();
    this.identifier = (await this.#madeUp()) ?? this.identifier;
    this.take();
  }
  async #madeUp(): Promise<string | null> {
    try {
      const name = await this.#studio.suggestIdentifier();
      this.trouble = null;
      return name;
    } catch (error) {
      this.trouble = mishap(error);
      return null;
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
