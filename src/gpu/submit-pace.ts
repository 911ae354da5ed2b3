// submit-pace: how long submits took in, how many commands the next may carry out. A slow GPU gets smaller pieces, a fast one larger ones.

/** What a command costs, as far as is known before it runs. */
export interface Cost {
  readonly flops: number;
}
/** What a submit costs. */
export interface Work extends Cost {
  readonly dispatches: number;
}

/** Aimed at, well below the 250 ms that a submit may take: the compositor shares the queue, and the model of costs is a simple one. */
const TARGET_MS = 150;
/** Before anything is measured: 100 GFLOP/s, and small kernels cost time where their FLOPs say nothing. */
const FIRST_GUESS = { msPerFlop: 1e-8, msPerDispatch: 0.3 };
/** No GPU that a browser runs on is faster: what keeps a fit through too few points sane. */
const LEAST = { msPerFlop: 1e-11, msPerDispatch: 0.002 };
const FORGETTING = 0.97; // a measurement's weight after each later one
/** Ends that lie closer together are one measurement: a coarse clock, or a browser that tells of several at once, gives them no times of their own. */
const LEAST_MS = 5;
/** A measurement counts as no more than so many times what was expected: a laptop that slept says nothing about its card. */
const OUTLIER = 8;

/**
 * ms of a submit ≈ FLOPs · msPerFlop + dispatches · msPerDispatch, fitted by least squares to what was measured, the last ones counting
 * most. One for each device: programs share what they learn. Never waits for the GPU and never changes what is computed.
 */
export class SubmitPace {
  msPerFlop: number;
  msPerDispatch: number;
  #sums = { ff: 0, fd: 0, dd: 0, ft: 0, dt: 0 };
  #measured = 0;
  /** When the last submit was heard to have ended. */
  #ended = Number.NEGATIVE_INFINITY;
  #unread = { flops: 0, dispatches: 0, ms: 0 };

  constructor(
    first: Partial<typeof FIRST_GUESS> = {},
    readonly targetMs = TARGET_MS,
  ) {
    ({ msPerFlop: this.msPerFlop, msPerDispatch: this.msPerDispatch } = { ...FIRST_GUESS, ...first });
  }

  /** Begins with what a measurement of the adapter says (gpu/speed.ts), until submits have told more. */
  guess(flopsPerMs: number): void {
    if (this.#measured === 0 && flopsPerMs > 0) this.msPerFlop = Math.max(LEAST.msPerFlop, 1 / flopsPerMs);
  }

  msOf({ flops, dispatches }: Work): number {
    return flops * this.msPerFlop + dispatches * this.msPerDispatch;
  }

  /** The end of the piece that begins at `from`: at least one command. */
  pieceEnd(commands: readonly Cost[], from: number): number {
    const cost = (at: number): number => this.msOf({ flops: (commands[at] as Cost).flops, dispatches: 1 });
    let ms = cost(from);
    let end = from + 1;
    while (end < commands.length) {
      ms += cost(end);
      if (ms > this.targetMs) break;
      end++;
    }
    return end;
  }

  /** Tells that a submit has ended. Its time is the distance from the end before it, or from its own beginning where the GPU was idle. */
  ended(work: Work, begunAt: number, endedAt: number): void {
    const unread = this.#unread;
    unread.flops += work.flops;
    unread.dispatches += work.dispatches;
    unread.ms += Math.max(0, endedAt - Math.max(begunAt, this.#ended));
    this.#ended = endedAt;
    if (unread.ms < LEAST_MS) return;
    this.#learn(unread, Math.min(unread.ms, OUTLIER * this.msOf(unread)));
    this.#unread = { flops: 0, dispatches: 0, ms: 0 };
  }

  #learn({ flops, dispatches }: Work, ms: number): void {
    const f = flops / 1e9; // of one size with dispatches: the sums stay well-conditioned
    const s = this.#sums;
    for (const key of Object.keys(s) as (keyof typeof s)[]) s[key] *= FORGETTING;
    s.ff += f * f;
    s.fd += f * dispatches;
    s.dd += dispatches * dispatches;
    s.ft += f * ms;
    s.dt += dispatches * ms;
    if (++this.#measured < 4) return;
    const [perGflop, perDispatch] = leastSquares(s);
    this.msPerFlop = Math.max(LEAST.msPerFlop, perGflop / 1e9);
    this.msPerDispatch = Math.max(LEAST.msPerDispatch, perDispatch);
  }
}

/** Least squares in two unknowns, neither negative: where one would be, the other explains all. */
function leastSquares({
  ff,
  fd,
  dd,
  ft,
  dt,
}: {
  ff: number;
  fd: number;
  dd: number;
  ft: number;
  dt: number;
}): [number, number] {
  const det = ff * dd - fd * fd;
  if (det > 1e-6 * ff * dd) {
    const [a, b] = [(ft * dd - dt * fd) / det, (dt * ff - ft * fd) / det];
    if (a >= 0 && b >= 0) return [a, b];
  }
  const [alone, byDispatch] = [ff > 0 ? ft / ff : 0, dd > 0 ? dt / dd : 0];
  const left = (a: number, b: number): number => a * a * ff + 2 * a * b * fd + b * b * dd - 2 * (a * ft + b * dt);
  return left(alone, 0) < left(0, byDispatch) ? [alone, 0] : [0, byDispatch];
}
