// report: what was measured in; the lines that a terminal, an issue and docs/performance.md show out.
import type { Ceilings } from './ceilings.ts';
import type { Figure } from './rounds.ts';
import type { OpTime } from './step-forecast.ts';
import { rateOf, rateUnit, type Workload } from './workload.ts';

/** One line: a workload, and what one candidate took. */
export interface Row extends Pick<Workload, 'name' | 'work' | 'unit'> {
  readonly candidate: string;
  readonly figure: Figure | null; // null: wrong, or it cannot
  readonly note?: string;
}

/** Three digits that count: `0.123`, `12.3`, `1,234`. */
export function digits(value: number): string {
  if (!(value > 0)) return '0';
  const places = Math.max(0, 2 - Math.floor(Math.log10(value)));
  return value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places });
}
export const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Of the multiply-adds or of the copy, whichever bounds it. */
export const shareOf = (row: Pick<Row, 'work' | 'unit'>, ms: number, ceilings: Ceilings): number =>
  row.work / ms / (row.unit === 'FLOP' ? ceilings.flopsPerMs : ceilings.copyBytesPerMs);

/** A Markdown table; the first column to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, 3, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

export const ceilingLines = ({ flopsPerMs, copyBytesPerMs, emptyMs }: Ceilings): string =>
  [
    `multiply-adds without memory ${digits(flopsPerMs / 1e6)} GFLOP/s`,
    `shader copy ${digits(copyBytesPerMs / 1e6)} GB/s (read + write)`,
    `submit and wait ${digits(emptyMs)} ms`,
  ].join('; ');

/** Ours alone: one row a workload. */
export const ownTable = (rows: readonly Row[], ceilings: Ceilings): string =>
  table(
    ['workload', 'ms', '±', 'speed', 'of the ceiling'],
    rows.map((row) => {
      if (!row.figure) return [row.name, row.note ?? 'not measured', '', '', ''];
      const { median, spread } = row.figure;
      const speed = `${digits(rateOf(row, median))} ${rateUnit(row)}`;
      return [row.name, digits(median), percent(spread), speed, percent(shareOf(row, median, ceilings))];
    }),
  );

/** Where a step's time goes, by op; what is less than a hundredth together. */
export function opTable(times: readonly OpTime[]): string {
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  const [large, small] = [times.filter(({ ms }) => ms >= total / 100), times.filter(({ ms }) => ms < total / 100)];
  const rest = small.reduce(
    (sum, { ms, flops, dispatches }) => ({
      ms: sum.ms + ms,
      flops: sum.flops + flops,
      dispatches: sum.dispatches + dispatches,
    }),
    { ms: 0, flops: 0, dispatches: 0 },
  );
  const shown = [...large, ...(small.length > 0 ? [{ op: 'the rest', ...rest }] : [])];
  return table(
    ['op', 'share', 'ms', 'GFLOP', 'dispatches'],
    shown.map(({ op, ms, flops, dispatches }) => [
      op,
      percent(ms / total),
      digits(ms),
      digits(flops / 1e9),
      String(dispatches),
    ]),
  );
}
