// A number and what it should be in; whether it is, and a line of a table, out.

export interface Row {
  what: string;
  got: number;
  /** null: told, not judged. */
  bar: { is: '≤' | '≥' | '='; value: number } | null;
  passed: boolean;
  /** Which one, where `got` is the worst of many. */
  of?: string;
}

/** Judged where there is a bar. A NaN never passes. */
export function row(what: string, got: number, is?: '≤' | '≥' | '=', value?: number): Row {
  if (is === undefined || value === undefined) return { what, got, bar: null, passed: !Number.isNaN(got) };
  const passed = is === '≤' ? got <= value : is === '≥' ? got >= value : got === value;
  return { what, got, bar: { is, value }, passed };
}

export const line = ({ what, got, bar, passed, of }: Row): string =>
  `${passed ? '  ' : '✗ '}${what.padEnd(56)} ${shown(got).padStart(16)}${bar ? `  ${bar.is} ${shown(bar.value)}` : ''}${of ? `  (${of})` : ''}`;

const shown = (value: number): string =>
  Number.isInteger(value)
    ? value.toLocaleString('en')
    : Math.abs(value) < 0.1
      ? value.toExponential(2)
      : value.toFixed(6);
