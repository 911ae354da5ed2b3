// A parsed config.json in; its values one by one out, with the reference library's defaults, or Trouble 'not-this-family' naming the key.
import { Trouble } from '../trouble.ts';

/** Reads a config.json by key. An absent key has the default, as in transformers and diffusers. */
export class ConfigReader {
  private readonly values: Readonly<Record<string, unknown>>;

  /** `label` names the file in messages, e.g. `vae/config.json`. */
  constructor(
    readonly label: string,
    config: unknown,
  ) {
    if (typeof config !== 'object' || config === null || Array.isArray(config)) {
      throw this.refuse('(the whole file)', 'a JSON object', JSON.stringify(config) ?? 'nothing');
    }
    this.values = { ...config };
  }

  keys(): string[] {
    return Object.keys(this.values);
  }

  get(key: string): unknown {
    return this.values[key];
  }

  /** A whole number ≥ 1. */
  count(key: string, otherwise: number): number {
    const value = this.values[key] ?? otherwise;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
      throw this.refuse(key, 'a whole number of at least 1', JSON.stringify(value));
    }
    return value;
  }

  /** A number > 0. */
  positive(key: string, otherwise: number): number {
    const value = this.values[key] ?? otherwise;
    if (typeof value !== 'number' || !(value > 0)) throw this.refuse(key, 'a number above 0', JSON.stringify(value));
    return value;
  }

  /** A list of whole numbers ≥ 1, at least one. */
  counts(key: string, otherwise: readonly number[]): number[] {
    const value = this.values[key] ?? otherwise;
    if (!Array.isArray(value) || value.length === 0 || !value.every((n) => Number.isInteger(n) && n >= 1)) {
      throw this.refuse(key, 'a list of whole numbers of at least 1', JSON.stringify(value));
    }
    return value;
  }

  /** One of the values that are supported; the first is the default. */
  oneOf<const T extends string | number | boolean | null>(key: string, first: T, ...rest: T[]): T {
    const value = this.values[key];
    if (value === undefined) return first;
    const found = [first, ...rest].find((supported) => supported === value);
    if (found === undefined) {
      throw this.refuse(key, [first, ...rest].map((v) => JSON.stringify(v)).join(' or '), JSON.stringify(value));
    }
    return found;
  }

  refuse(key: string, expected: string, got: string): Trouble<'not-this-family'> {
    const message = `${this.label}: “${key}” must be ${expected}, got ${got}; use a model of Stable Diffusion's family`;
    return new Trouble('not-this-family', { key, expected, got }, message);
  }
}
