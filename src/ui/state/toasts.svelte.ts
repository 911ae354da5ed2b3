// The short news at the bottom of the page, with its one way back (Undo), and what a screen reader is told.
export interface ToastNews {
  id: number;
  text: string;
  undo: (() => void) | null;
}
const shownMs = 10_000;

export class Toasts {
  current = $state.raw<ToastNews | null>(null);
  #next = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(text: string, undo: (() => void) | null = null): void {
    this.current = { id: this.#next++, text, undo };
    this.hold();
    this.release();
  }
  undo(): void {
    const { undo } = this.current ?? {};
    this.close();
    undo?.();
  }
  close(): void {
    clearTimeout(this.#timer);
    this.current = null;
  }
  /** While it is pointed at or focused, it stays. */
  hold(): void {
    clearTimeout(this.#timer);
  }
  release(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), shownMs);
  }
}

export class Announcements {
  polite = $state('');
  urgent = $state('');

  /** The same sentence twice is said twice: a trailing no-break space makes it new. */
  say(text: string): void {
    this.polite = text === this.polite ? `${text}\u00a0` : text;
  }
  /** Only for trouble that stops work. */
  warn(text: string): void {
    this.urgent = text === this.urgent ? `${text}\u00a0` : text;
  }
}
