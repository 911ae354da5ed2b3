// What is typed into a number field in; the number it holds, the text it shows, and why a text was not taken, out.
import { type NumberLimits, type NumberRefusal, numberText, readNumber } from '../read-number.ts';

/** A field's memory of what it could not take; nothing is rounded, clamped or guessed. */
export class NumberEntry {
  readonly #value: () => number;
  readonly #limits: () => NumberLimits;
  readonly #take: (value: number) => void;
  #refused = $state.raw<{ text: string; why: NumberRefusal; at: number } | null>(null);
  /** Gone as soon as the value changes, whoever changes it. */
  readonly refused = $derived.by(() => (this.#refused?.at === this.#value() ? this.#refused : null));
  readonly text = $derived.by(() => this.refused?.text ?? numberText(this.#value()));

  constructor(value: () => number, limits: () => NumberLimits, take: (value: number) => void) {
    [this.#value, this.#limits, this.#take] = [value, limits, take];
  }

  /** The field was left. */
  take(text: string): void {
    const read = readNumber(text, this.#limits());
    this.#refused = 'refusal' in read ? { text, why: read.refusal, at: this.#value() } : null;
    if ('value' in read) this.#take(read.value);
  }
  forget(): void {
    this.#refused = null;
  }
}
