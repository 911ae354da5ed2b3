// Rows of every candidate in; one line a workload out: each one's milliseconds, ours as a share of the ceiling, and how much faster than the best other.
import type { Ceilings } from '../../src/bench/ceilings.ts';
import { digits, percent, type Row, shareOf, table } from '../../src/bench/report.ts';
import { OURS } from './compare.ts';

/** The best peer's time ÷ ours; null where ours or every peer's is missing. */
export function ratioOf(rows: readonly Row[]): number | null {
  const ours = rows.find(({ candidate }) => candidate === OURS)?.figure;
  const others = rows.flatMap(({ candidate, figure }) => (candidate !== OURS && figure ? [figure.median] : []));
  return ours && others.length > 0 ? Math.min(...others) / ours.median : null;
}

export function comparedTable(rows: readonly Row[], ceilings: Ceilings): string {
  const candidates = [...new Set(rows.map(({ candidate }) => candidate))];
  const names = [...new Set(rows.map(({ name }) => name))];
  const lines = names.map((name) => {
    const own = rows.filter((row) => row.name === name);
    const ours = own.find(({ candidate }) => candidate === OURS);
    const ratio = ratioOf(own);
    return [
      name,
      ...candidates.map((candidate) => cell(own.find((row) => row.candidate === candidate))),
      ours?.figure ? percent(shareOf(ours, ours.figure.median, ceilings)) : '–',
      ratio === null ? '–' : `${digits(ratio)} ×`,
    ];
  });
  return table(['workload', ...candidates, 'of the ceiling', 'faster than the best other'], lines);
}

const cell = (row: Row | undefined): string => {
  if (row?.figure) return `${digits(row.figure.median)} ± ${percent(row.figure.spread)}`;
  return row?.note?.split(':')[0] ?? '–';
};
