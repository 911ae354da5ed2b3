// In: losses and held-out dots; out: positions and path strings of the chart. No DOM in here.
import { bestDot, type Dot } from './verdict.ts';

/** Where a step lies across the strip, 0…1. A cell's centre is its step; between centres it is linear, also when the last interval is shorter. */
export function stepToX(step: number, cells: readonly number[]): number {
  const width = 1 / cells.length;
  const after = cells.findIndex((cell) => cell >= step);
  if (after === -1) return (cells.length - 0.5) * width;
  const to = cells[after]!;
  const from = cells[after - 1];
  if (from === undefined) return 0.5 * width;
  return (after - 0.5 + (step - from) / (to - from)) * width;
}

/** The step under a place across the strip: the inverse of stepToX, rounded. */
export function xToStep(x: number, cells: readonly number[]): number {
  const at = Math.min(cells.length - 1, Math.max(0, x * cells.length - 0.5));
  const from = cells[Math.floor(at)]!;
  const to = cells[Math.ceil(at)]!;
  return Math.round(from + (to - from) * (at - Math.floor(at)));
}

export interface Range {
  low: number;
  high: number;
}

/** From 5 % below the lowest dot to 5 % above the first; it only ever grows, and never starts at zero. */
export function dotRange(dots: readonly Dot[]): Range | null {
  const first = dots[0];
  if (!first) return null;
  const losses = dots.map((dot) => dot.loss);
  return { low: Math.min(...losses) * 0.95, high: Math.max(first.loss * 1.05, Math.max(...losses) * 1.02) };
}

export interface BandPoint {
  step: number;
  low: number; // 10th percentile
  middle: number; // mean of the longer window: the thin line
  high: number; // 90th percentile
}
const bandWindow = 20;
const meanWindow = 60;
const mostBandPoints = 160;

function percentile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}

/**
 * The band of losses[step − 1]: each point looks only back, so what is drawn never changes. Missing steps (NaN, after a resume) are skipped.
 * `planned` fixes the spacing of the points for the whole run, for the same reason.
 */
export function lossBand(losses: readonly number[], planned: number): BandPoint[] {
  const stride = Math.max(1, Math.ceil(planned / mostBandPoints));
  const points: BandPoint[] = [];
  for (let step = Math.max(stride, 4); step <= losses.length; step += stride) {
    const recent = losses.slice(Math.max(0, step - bandWindow), step).filter(Number.isFinite);
    if (recent.length < 4) continue;
    const longer = losses.slice(Math.max(0, step - meanWindow), step).filter(Number.isFinite);
    recent.sort((a, b) => a - b);
    points.push({
      step,
      low: percentile(recent, 0.1),
      middle: longer.reduce((sum, loss) => sum + loss, 0) / longer.length,
      high: percentile(recent, 0.9),
    });
  }
  return points;
}

/**
 * A scale of the band's own. A single step's loss depends far more on its random noise level than on what was learned: on the dots' scale
 * the band would cover the whole chart. Neither axis has numbers; direction is what is compared. Grows with the run, never shrinks.
 */
export function bandRange(points: readonly BandPoint[]): Range | null {
  if (points.length === 0) return null;
  return { low: Math.min(...points.map((point) => point.low)), high: Math.max(...points.map((point) => point.high)) };
}

/** A value's distance from the top, in px of a plot of `height`, with `inset` px kept free above and below. */
export function toY(value: number, range: Range, height: number, inset = 8): number {
  const span = range.high - range.low || 1;
  return inset + (1 - (value - range.low) / span) * (height - 2 * inset);
}

const point = (x: number, y: number): string => `${x.toFixed(2)} ${y.toFixed(1)}`;

export interface ChartPaths {
  band: string;
  middle: string;
  dots: string;
  marks: { step: number; loss: number; x: number; y: number; best: boolean }[]; // x 0…1, y px
}

/** Everything the chart draws, x from 0 to `width` and y from 0 to `height`. */
export function chartPaths(
  dots: readonly Dot[],
  points: readonly BandPoint[],
  cells: readonly number[],
  width: number,
  height: number,
): ChartPaths {
  const x = (step: number): number => stepToX(step, cells) * width;
  const band = bandRange(points);
  const range = dotRange(dots);
  const best = bestDot(dots);
  const upper = band ? points.map((at) => point(x(at.step), toY(at.high, band, height))) : [];
  const lower = band ? points.map((at) => point(x(at.step), toY(at.low, band, height))).reverse() : [];
  const middle = band ? points.map((at) => point(x(at.step), toY(at.middle, band, height))) : [];
  const marks = range
    ? dots.map((dot) => ({
        ...dot,
        x: stepToX(dot.step, cells),
        y: toY(dot.loss, range, height),
        best: dots.length > 1 && dot.step === best?.step,
      }))
    : [];
  const line = (places: string[]): string => (places.length > 1 ? `M${places.join('L')}` : '');
  return {
    band: upper.length > 1 ? `${line([...upper, ...lower])}Z` : '',
    middle: line(middle),
    dots: line(marks.map((mark) => point(mark.x * width, mark.y))),
    marks,
  };
}

/** Mean of the last 20 known losses: the number that can be compared with the held-out one. */
export function recentLoss(losses: readonly number[]): number | null {
  const recent = losses.slice(-bandWindow).filter(Number.isFinite);
  return recent.length > 0 ? recent.reduce((sum, loss) => sum + loss, 0) / recent.length : null;
}

/** What can be opened in a spreadsheet: one row a step, the held-out loss where there is one. */
export function lossCsv(losses: readonly number[], dots: readonly Dot[]): string {
  const heldOut = new Map(dots.map((dot) => [dot.step, dot.loss]));
  const rows = Array.from({ length: losses.length + 1 }, (_, step) => {
    const loss = step === 0 ? Number.NaN : losses[step - 1]!;
    return `${step},${Number.isFinite(loss) ? loss : ''},${heldOut.get(step) ?? ''}`;
  });
  return `step,loss,held_out_loss\n${rows.join('\n')}\n`;
}
