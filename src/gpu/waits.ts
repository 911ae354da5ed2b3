// waits: what a device shall finish in; the moment it has, out — sooner where the browser answers late: empty submits make it look.

/** A browser whose empty wait takes longer looks at the GPU by a timer (Firefox: every 100 ms, and at every submit). */
const SLOW_MS = 20;
const NUDGE = { afterMs: 20, everyMs: 5 };

export class Waits {
  /** Whether waits are nudged. */
  nudged = false;
  #waiting = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lost = false;

  constructor(
    readonly device: Pick<GPUDevice, 'queue' | 'lost'>,
    readonly now: () => number = () => performance.now(),
  ) {
    void device.lost?.then(() => {
      this.#lost = true;
      this.#rest();
    });
  }

  /**
   * Times a wait for nothing, twice and as it will be from now on: nudged where it was slow both times. Resolves with its ms. One wait goes before:
   * it ends when the browser looks, and the next begins there. By itself it may be short by luck.
   */
  async measure(): Promise<number> {
    await this.#empty();
    const first = await this.#empty();
    if (first <= SLOW_MS) return first;
    const second = await this.#empty();
    if (second <= SLOW_MS) return second;
    this.nudged = true;
    return this.#empty();
  }

  /** When all that was submitted is done. */
  done(): Promise<undefined> {
    return this.until(this.device.queue.onSubmittedWorkDone());
  }

  /** The same answer; meanwhile the browser is nudged, where that helps. */
  async until<T>(answer: Promise<T>): Promise<T> {
    if (!this.nudged) return answer;
    this.#waiting++;
    this.#timer ??= setTimeout(() => this.#nudge(), NUDGE.afterMs);
    try {
      return await answer;
    } finally {
      if (--this.#waiting === 0) this.#rest();
    }
  }

  #nudge(): void {
    if (this.#lost) return;
    this.device.queue.submit([]);
    this.#timer = setTimeout(() => this.#nudge(), NUDGE.everyMs);
  }
  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
  async #empty(): Promise<number> {
    const begun = this.now();
    await this.done();
    return this.now() - begun;
  }
}
