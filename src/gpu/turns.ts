// turns: whoever writes to a queue or submits in; each alone and in the order asked, out. A turn ends with its last submit, not with the GPU.

export class Turns {
  #last: Promise<unknown> | null = null;

  /** Runs `work` when the turns before it have ended, whatever became of them. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last ? this.#last.then(work) : work();
    const ended = turn
      .catch(() => {})
      .finally(() => {
        if (this.#last === ended) this.#last = null;
      });
    this.#last = ended;
    return turn;
  }

  /** For what is written without waiting: at once where it is nobody's turn. */
  write(work: () => void): void {
    if (this.#last) void this.take(async () => work());
    else work();
  }
}
