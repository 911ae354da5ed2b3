// A fake GPU's queue: commands in; their bytes at once, their time on a line of submits, and answers to whoever waits, as its habits are.
import type { FakeBuffer } from './buffers.ts';
import { buffersOf, type Command } from './commands.ts';
import type { FakeDevice } from './device.ts';
import { flopsOf } from './kernels.ts';

/** One submit as it went: when it was made, and when the GPU worked on it. */
export interface Submitted {
  at: number;
  begin: number;
  end: number;
  dispatches: number;
  longestMs: number; // of its dispatches
  queuedMs: number; // that lay before the GPU with it, itself included
  outstanding: number; // submits with commands that were not done, itself included
}
const BYTES_PER_MS = 8e6;
const ANSWER_MS = 0.2;
interface Waiting {
  doneAt: number;
  answer(): void;
  fail(error: unknown): void;
}

export class FakeQueue {
  readonly label = 'queue';
  readonly submits: Submitted[] = [];
  empty = 0; // submits without a command
  waits = 0;
  readonly #waiting = new Set<Waiting>();
  #free = 0;

  constructor(readonly device: FakeDevice) {}

  get time() {
    return this.device.time;
  }

  writeBuffer(buffer: FakeBuffer, offset: number, data: ArrayBuffer | ArrayBufferView, from = 0, size?: number): void {
    if (this.device.call('writeBuffer')) return;
    const view = ArrayBuffer.isView(data) ? data : new Uint8Array(data);
    const unit = 'BYTES_PER_ELEMENT' in view ? Number(view.BYTES_PER_ELEMENT) : 1;
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const part = bytes.subarray(from * unit, size === undefined ? undefined : (from + size) * unit);
    if (buffer.destroyed || offset + part.length > buffer.size || part.length % 4 !== 0) {
      this.device.error(`${buffer.label}: ${part.length} bytes cannot be written at ${offset}`);
      return;
    }
    buffer.bytes.set(part, offset);
    this.#free = Math.max(this.#free, this.time.ms) + part.length / BYTES_PER_MS;
  }

  submit(buffers: readonly Command[][]): void {
    if (this.device.call('submit')) return;
    const { habits, time } = this.device;
    const commands = buffers.flat();
    this.#answerDue(true);
    if (commands.length === 0) {
      this.empty++;
      return;
    }
    const unusable = commands.flatMap((c) => [...buffersOf(c)]).find((b) => b.destroyed || b.mapState !== 'unmapped');
    if (unusable) {
      this.device.error(`${unusable.label} is in a submit and ${unusable.destroyed ? 'destroyed' : 'mapped'}`);
      return;
    }
    const { lateError } = habits;
    if (lateError && this.submits.length + 1 === lateError.submit) {
      this.device.habits = { ...habits, lateError: null };
      this.device.error('the driver dropped a submit', lateError.afterMs);
      return;
    }
    const under = this.#under();
    if (under.length >= habits.queue.blocksAt)
      time.block((under[under.length - habits.queue.blocksAt] as Submitted).end);
    let ms = 0;
    let longestMs = 0;
    let dispatches = 0;
    for (const command of commands) {
      const took = this.#carryOut(command);
      ms += took;
      longestMs = Math.max(longestMs, took);
      if (command.kind === 'dispatch') dispatches++;
    }
    const begin = Math.max(this.#free, time.ms);
    const end = begin + Math.max(ms, habits.queue.leastMs);
    this.#free = end;
    const queued = { queuedMs: end - time.ms, outstanding: this.#under().length + 1 };
    this.submits.push({ at: time.ms, begin, end, dispatches, longestMs, ...queued });
  }

  onSubmittedWorkDone(): Promise<undefined> {
    return this.wait('onSubmittedWorkDone');
  }

  /** Until all that was submitted is done and the browser says so. */
  wait(call: string): Promise<undefined> {
    const { device } = this;
    const lost = device.call(call);
    return new Promise((resolve, reject) => {
      if (lost) return device.time.at(device.time.ms, () => reject(device.lostError()));
      const late = device.habits.lateAnswer?.at === ++this.waits ? device.habits.lateAnswer.ms : 0;
      if (late) this.time.at(this.time.ms, () => this.time.block(this.time.ms + late)); // the computer sleeps
      const waiting: Waiting = {
        doneAt: Math.max(this.#free, this.time.ms),
        answer: () => {
          if (this.#waiting.delete(waiting)) {
            device.freed();
            resolve(undefined);
          }
        },
        fail: (error) => {
          if (this.#waiting.delete(waiting)) reject(error);
        },
      };
      this.#waiting.add(waiting);
      const { answers } = device.habits;
      const every = answers === 'at-once' ? null : answers.everyMs;
      const at = every ? (Math.floor(waiting.doneAt / every) + 1) * every : waiting.doneAt + ANSWER_MS;
      this.time.at(at, waiting.answer);
    });
  }

  /** Whoever waits on a lost device hears of it. */
  failAll(): void {
    for (const waiting of [...this.#waiting]) waiting.fail(this.device.lostError());
  }

  /** From the first submit of `submits` to its last: the share of time in which the GPU worked. */
  static busy(submits: readonly Submitted[]): number {
    const [first, last] = [submits[0], submits[submits.length - 1]];
    if (!first || !last) return 0;
    return submits.reduce((sum, s) => sum + s.end - s.begin, 0) / (last.end - first.begin);
  }

  /** Submits that the GPU has not done; they end in order. */
  #under(): Submitted[] {
    let first = this.submits.length;
    while (first > 0 && (this.submits[first - 1] as Submitted).end > this.time.ms) first--;
    return this.submits.slice(first);
  }

  #answerDue(atSubmit: boolean): void {
    const { answers } = this.device.habits;
    if (answers === 'at-once' || !answers.atSubmits || !atSubmit) return;
    for (const waiting of [...this.#waiting])
      if (waiting.doneAt <= this.time.ms) this.time.at(this.time.ms, waiting.answer);
  }

  #carryOut(command: Command): number {
    const { device } = this;
    if (command.kind === 'clear') command.buffer.bytes.fill(0);
    else if (command.kind === 'copy') {
      const { from, fromOffset, to, toOffset, size } = command;
      to.bytes.set(from.bytes.subarray(fromOffset, fromOffset + size), toOffset);
    } else {
      device.kernels.run(command);
      const { card, memory } = device.habits;
      const paging = memory.pages && device.liveBytes > memory.capacity ? memory.pages : 1;
      return paging * (flopsOf(command) / card.flopsPerMs + card.dispatchMs);
    }
    return 0;
  }
}
