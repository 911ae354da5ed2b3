// What is wanted on screen in; drawn one at a time, most wanted first, the pictures that are there and how far the next one is out.
import { SvelteMap } from 'svelte/reactivity';
import type { DrawRequest, Picture, Progress } from '../../worker/api.ts';
import { keyOf } from './scene.ts';
import { type StudioCalls, wasAborted } from './studio.ts';

const mostPictures = 120;

interface Screen {
  /** Most wanted first, whether it is drawn or not. */
  wanted(): readonly (DrawRequest | null)[];
  onPicture(): void;
  onTrouble(error: unknown): void;
}

export class DrawQueue {
  /** The request that is being drawn, and how far it is. */
  current = $state.raw<DrawRequest | null>(null);
  progress = $state.raw<Progress | null>(null);
  /** The card is here. Before that the words are read, and another tab may have it. */
  begun = $state(false);
  readonly #pictures = new SvelteMap<string, Picture>();
  readonly #studio: StudioCalls;
  readonly #screen: Screen;
  #stop: AbortController | null = null;
  #working = false;
  #halted = false;
  #unasked = false;

  constructor(studio: StudioCalls, screen: Screen) {
    this.#studio = studio;
    this.#screen = screen;
  }

  /** The picture of a request, when it is drawn. */
  at(request: DrawRequest | null): Picture | null {
    return request ? (this.#pictures.get(keyOf(request)) ?? null) : null;
  }
  isDrawing(request: DrawRequest | null): boolean {
    return request !== null && this.current !== null && keyOf(request) === keyOf(this.current);
  }
  /** Drawn in an earlier visit. */
  put(key: string, picture: Picture): void {
    this.#pictures.set(key, picture);
  }

  /** Something else may be wanted by now: what is being drawn goes on only if it is still the most wanted. `unasked`: nobody pressed. */
  async work(unasked = false): Promise<void> {
    this.#halted = false;
    const first = this.#next();
    // What waits in silence for another tab's card does so no longer once somebody presses.
    const waits = this.#unasked && !unasked && this.progress?.phase !== 'drawing';
    this.#unasked = unasked;
    if (this.current && (waits || !first || keyOf(first) !== keyOf(this.current))) this.#stop?.abort();
    if (this.#working) return;
    this.#working = true;
    try {
      for (let next = this.#next(); next; next = this.#next()) await this.#draw(next);
    } catch (error) {
      this.#screen.onTrouble(error);
    } finally {
      this.#working = false;
      this.current = this.progress = null;
      this.begun = false;
    }
  }
  /** Stops what is drawn and asks for nothing more; the pictures stay. */
  stop(): void {
    this.#halted = true;
    this.#stop?.abort();
  }
  clear(): void {
    this.stop();
    this.#pictures.clear();
  }

  #next(): DrawRequest | undefined {
    if (this.#halted) return;
    return this.#screen
      .wanted()
      .filter((request) => request !== null)
      .find((request) => !this.#pictures.has(keyOf(request)));
  }

  async #draw(request: DrawRequest): Promise<void> {
    const stop = new AbortController();
    this.#stop = stop;
    this.current = request;
    this.progress = null;
    try {
      const hear = (progress: Progress): void => {
        if (this.#stop !== stop) return;
        this.progress = progress;
        if (progress.phase !== 'encoding-text') this.begun = true;
      };
      const picture = await this.#studio.draw(stop.signal, request, hear, this.#unasked);
      this.#pictures.set(keyOf(request), picture);
      this.#screen.onPicture();
      const [oldest] = this.#pictures.keys();
      if (this.#pictures.size > mostPictures && oldest) this.#pictures.delete(oldest);
    } catch (error) {
      if (!stop.signal.aborted && !wasAborted(error)) throw error;
    }
  }
}
