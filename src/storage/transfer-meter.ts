// Bytes as they come in; a Transfer — done, speed over the last seconds, time left — now and then out.

/** Bytes on their way into this browser's storage. */
export interface Transfer {
  phase: 'checking' | 'fetching' | 'converting';
  doneBytes: number; // what was stored before included
  totalBytes: number;
  bytesPerSecond: number | null; // null: too early to tell
  msLeft: number | null;
  waitingMs: number | null; // the server asked for patience (429, 503) or the connection broke: the next try is in so many ms
}
export type OnTransfer = (transfer: Transfer) => void;

const EVERY_MS = 200;
const WINDOW_MS = 8000;
const EARLY_MS = 1000; // before that a speed means nothing

export class TransferMeter {
  #phase: Transfer['phase'];
  #done: number;
  #told = Number.NEGATIVE_INFINITY;
  #waitingMs: number | null = null;
  #marks: { at: number; moved: number }[] = [];
  #moved = 0;

  constructor(
    phase: Transfer['phase'],
    done: number,
    readonly total: number,
    readonly tell: OnTransfer | undefined,
    readonly now: () => number = () => performance.now(),
  ) {
    this.#phase = phase;
    this.#done = done;
    this.say();
  }

  /** `bytes` more have come; negative: they are to come again. */
  add(bytes: number): void {
    this.#done += bytes;
    this.#moved += Math.max(0, bytes);
    if (this.now() - this.#told >= EVERY_MS) this.say();
  }
  waiting(ms: number | null): void {
    if (ms === null && this.#waitingMs === null) return;
    this.#waitingMs = ms;
    this.say();
  }
  /** Another phase of the same bytes: counts from `done` again. */
  begin(phase: Transfer['phase'], done: number): void {
    this.#phase = phase;
    this.#done = done;
    this.#marks = [];
    this.say();
  }

  say(): void {
    const at = this.now();
    this.#told = at;
    this.#marks.push({ at, moved: this.#moved });
    while (this.#marks.length > 2 && (this.#marks[1]?.at ?? at) < at - WINDOW_MS) this.#marks.shift();
    const first = this.#marks[0] ?? { at, moved: 0 };
    const ms = at - first.at;
    const speed = ms >= EARLY_MS ? ((this.#moved - first.moved) / ms) * 1000 : null;
    this.tell?.({
      phase: this.#phase,
      doneBytes: this.#done,
      totalBytes: this.total,
      bytesPerSecond: speed,
      msLeft: speed ? ((this.total - this.#done) / speed) * 1000 : null,
      waitingMs: this.#waitingMs,
    });
  }
}
