// submit-pace: how long submits took in, how many commands the next may carry out. A slow GPU gets smaller pieces, a fast one larger ones.

/** What a command costs, as far as is known before it runs. */
export interface Cost {
  readonly flops: number;
}

/** Aimed at, well below the 250 ms that a submit may take: the compositor shares the queue, and the model of costs is a simple one. */
const TARGET_MS = 150;
/** Before anything is measured: 100 GFLOP/s, and small kernels cost time where their FLOPs say nothing. */
const FIRST_GUESS = { msPerFlop: 1e-8, msPerDispatch: 0.3 };
/** No GPU that a browser runs on is faster: what keeps a fit through too few points sane. */
const LEAST = { msPerFlop: 1e-11, msPerDispatch: 0.002 };
/** Submits that are all measured; afterwards WATCHED of every PERIOD are, since a card that grows warm slows down. */
const FIRST_SUBMITS = 64;
const WATCHED = 16;
const PERIOD = 256;
const FORGETTING = 0.97; // a measurement's weight after each later one

/**
 * ms of a submit ≈ FLOPs · msPerFlop + dispatches · msPerDispatch, fitted by least squares to what was measured, the last ones counting
 * most. One for each device: programs share what they learn. Never waits for the GPU and never changes what is computed.
 */
export class SubmitPace {
  msPerFlop: number;
  msPerDispatch: number;
  #sums = { ff: 0, fd: 0, dd: 0, ft: 0, dt: 0 };
  #submits = 0;
  #measured = 0;
  /** When the last watched submit ended. */
  #ended = Number.NEGATIVE_INFINITY;
  #gap = false; // one that nobody watched lies before: when the next begins is not known

  /** @param first a guess from a measurement of the adapter (gpu/speed.ts). */
  constructor(
    readonly queue: Pick<GPUQueue, 'onSubmittedWorkDone'>,
    first: Partial<typeof FIRST_GUESS> = {},
    readonly now: () => number = () => performance.now(),
    readonly targetMs = TARGET_MS,
  ) {
    ({ msPerFlop: this.msPerFlop, msPerDispatch: this.msPerDispatch } = { ...FIRST_GUESS, ...first });
  }

  /** The end of the piece that begins at `from`: at least one command. */
  pieceEnd(commands: readonly Cost[], from: number): number {
    let ms = this.#cost(commands[from] as Cost);
    let end = from + 1;
    while (end < commands.length) {
      ms += this.#cost(commands[end] as Cost);
      if (ms > this.targetMs) break;
      end++;
    }
    return end;
  }

  /** Tells that these commands have just been submitted. */
  submitted(commands: readonly Cost[], from: number, end: number): void {
    const at = this.#submits++;
    if (at >= FIRST_SUBMITS && at % PERIOD >= WATCHED) {
      this.#gap = true;
      return;
    }
    const begunAt = this.now();
    const known = !this.#gap;
    this.#gap = false;
    let flops = 0;
    for (let i = from; i < end; i++) flops += (commands[i] as Cost).flops;
    this.queue.onSubmittedWorkDone().then(
      () => {
        const endedAt = this.now();
        if (known) this.#learn(flops, end - from, endedAt - Math.max(begunAt, this.#ended));
        this.#ended = endedAt;
      },
      () => {}, // a lost device is noticed elsewhere
    );
  }

  #cost({ flops }: Cost): number {
    return flops * this.msPerFlop + this.msPerDispatch;
  }

  #learn(flops: number, dispatches: number, ms: number): void {
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
  const [alone, byDispatch] = [ff > 0 ? ft / ff : 0, dt / dd];
  const left = (a: number, b: number): number => a * a * ff + 2 * a * b * fd + b * b * dd - 2 * (a * ft + b * dt);
  return left(alone, 0) < left(0, byDispatch) ? [alone, 0] : [0, byDispatch];
}
