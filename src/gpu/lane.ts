// lane: one device's way in. Submits wait for room, so that little lies before the GPU at any time; their times teach the pace; waits are
// nudged where that helps; errors that nobody asked for are heard.
import { Faults } from './faults.ts';
import { SubmitPace, type Work } from './submit-pace.ts';
import { Waits } from './waits.ts';

/** What may lie before the GPU: enough that it never waits, little enough that a pause is answered at once and a driver never blocks. */
const QUEUED_MS = 450;
const SUBMITS = 8;

const lanes = new WeakMap<GPUDevice, Lane>();
/** The lane of a device: one, whoever asks. */
export function laneOf(device: GPUDevice): Lane {
  const lane = lanes.get(device) ?? new Lane(device);
  lanes.set(device, lane);
  return lane;
}

export class Lane {
  readonly waits: Waits;
  readonly faults: Faults;
  #queuedMs = 0;
  #submits = 0;
  #lost = false;
  readonly #waiting = new Set<() => void>();

  constructor(
    readonly device: GPUDevice,
    readonly pace = new SubmitPace(),
    readonly now: () => number = () => performance.now(),
  ) {
    this.waits = new Waits(device, now);
    this.faults = new Faults(device);
    void device.lost.then(() => {
      this.#lost = true;
      this.#wake();
    });
  }

  /** Submits that are not known to be done. */
  get outstanding(): number {
    return this.#submits;
  }

  /**
   * Resolves when `work` may be submitted. What takes longer alone than the lane holds goes when nothing else is there.
   * @throws the signal's reason; Error where the device is lost.
   */
  async room(work: Work, signal?: AbortSignal): Promise<void> {
    const ms = this.pace.msOf(work);
    for (;;) {
      signal?.throwIfAborted();
      if (this.#lost) throw new Error('the device is lost');
      if (this.#submits === 0 || (this.#submits < SUBMITS && this.#queuedMs + ms <= QUEUED_MS)) return;
      await new Promise<void>((resolve) => {
        const go = (): void => {
          this.#waiting.delete(go);
          signal?.removeEventListener('abort', go);
          resolve();
        };
        this.#waiting.add(go);
        signal?.addEventListener('abort', go, { once: true });
      });
    }
  }

  /** Submits at once, what has been given room. */
  submit(commands: readonly GPUCommandBuffer[], work: Work): void {
    this.device.queue.submit(commands);
    const ms = this.pace.msOf(work);
    this.#queuedMs += ms;
    this.#submits++;
    const begunAt = this.now();
    const done = (): void => {
      this.#queuedMs = --this.#submits === 0 ? 0 : this.#queuedMs - ms;
      this.#wake();
    };
    this.waits.done().then(() => {
      this.pace.ended(work, begunAt, this.now());
      done();
    }, done); // a lost device is noticed elsewhere
  }

  #wake(): void {
    for (const go of [...this.#waiting]) go();
  }
}
