// Fake time: work that waits for timers and for a fake GPU in, its outcome out at once, with the milliseconds that would have passed.
const realImmediate = setImmediate;

interface Due {
  at: number;
  order: number;
  run(): void;
}
/** Three days: whatever waits longer is taken for work that never ends. */
const ENDLESS_MS = 3 * 86_400_000;

/**
 * Stands in for `performance.now`, `setTimeout` and `clearTimeout`. Time moves only in `until`, from one thing that is due to the next, or when
 * something blocks the thread.
 */
export class FakeTime {
  ms = 0;
  #due: Due[] = [];
  #order = 0;

  /** @param tickMs what the page's clock is rounded down to. */
  constructor(public tickMs = 0.005) {}

  readonly now = (): number => Math.floor(this.ms / this.tickMs + 1e-9) * this.tickMs;

  /** Calls `run` at `ms`, or at once after whatever runs now. Returns what undoes it. */
  at(ms: number, run: () => void): () => void {
    const due = { at: Math.max(ms, this.ms), order: this.#order++, run };
    let place = this.#due.length;
    while (place > 0 && (this.#due[place - 1] as Due).at > due.at) place--;
    this.#due.splice(place, 0, due);
    return () => {
      this.#due = this.#due.filter((other) => other !== due);
    };
  }

  /** The thread stands still (or the computer sleeps): what was due meanwhile comes late. */
  block(untilMs: number): void {
    this.ms = Math.max(this.ms, untilMs);
  }

  /** Lets time pass until `work` has ended. @throws Error where nothing is left that could end it. */
  async until<T>(work: Promise<T>): Promise<T> {
    let ended = false;
    const end = () => {
      ended = true;
    };
    work.then(end, end);
    for (;;) {
      await new Promise((wake) => realImmediate(wake)); // every promise that can go on does
      if (ended) return work;
      const next = this.#due.shift();
      if (!next) throw new Error(`it hangs: at ${this.ms} ms nothing is left that could end it`);
      this.ms = Math.max(this.ms, next.at);
      if (this.ms > ENDLESS_MS) throw new Error('it does not end within three days');
      next.run();
    }
  }

  /** Puts itself in the globals' place and returns what puts them back. */
  install(): () => void {
    const { setTimeout: timeout, clearTimeout: clear } = globalThis;
    const { now } = performance;
    const undo = new Map<number, () => void>();
    let ids = 0;
    globalThis.setTimeout = ((run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      const id = ++ids;
      undo.set(
        id,
        this.at(this.ms + Math.max(ms, 0), () => run(...args)),
      );
      return id;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((id?: number) => undo.get(id ?? 0)?.()) as typeof clearTimeout;
    performance.now = this.now;
    return () => {
      Object.assign(globalThis, { setTimeout: timeout, clearTimeout: clear });
      performance.now = now;
    };
  }
}
