// What the untouched model makes of the name today: four cells drawn one after another, never waited for.
import type { DrawRequest, Picture, Progress } from '../../worker/api.ts';
import { type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';

export interface Cell {
  prompt: string;
  seed: number;
  picture: Picture | null;
}
/** What a picture has in common with a run of the same settings. */
export type Canvas = Pick<DrawRequest, 'size' | 'weights'>;
const firstSeed = 41;

export class Baseline {
  cells = $state.raw<Cell[]>([]);
  drawing = $state<number | null>(null);
  done = $state(0);
  total = $state(0);
  trouble = $state.raw<Mishap | null>(null);
  /** The prompts of the cells on screen; when the name changes they no longer agree. */
  readonly prompts = $derived([...new Set(this.cells.map((cell) => cell.prompt))]);
  readonly finished = $derived(this.cells.length > 0 && this.cells.every((cell) => cell.picture));
  readonly #studio: StudioCalls;
  readonly #canvas: () => Canvas;
  readonly #model: () => string | null;
  #steps = 0;
  #stop: AbortController | null = null;

  /** `canvas`: size and weights, as a run of now would have them, so that both share what is on the GPU. */
  constructor(studio: StudioCalls, canvas: () => Canvas, model: () => string | null) {
    this.#studio = studio;
    this.#canvas = canvas;
    this.#model = model;
  }

  /** What this model had drawn before a reload. */
  async bringBack(): Promise<void> {
    try {
      const shown = await this.#studio.shown('baseline');
      if (!shown || shown.modelId !== this.#model() || this.cells.length > 0) return;
      this.cells = shown.cells.map(({ request: { prompt, seed }, picture }) => ({ prompt, seed, picture }));
    } catch (error) {
      console.warn(error); // they can be drawn again
    }
  }

  /** Two of the ordinary name first, then two of identifier + class; `more` goes on with the next seeds; `unasked`: nobody pressed anything. */
  async draw(classPrompt: string, prompt: string, steps: number, more = false, unasked = false): Promise<void> {
    const seed = more && this.cells.length ? Math.max(...this.cells.map((cell) => cell.seed)) + 1 : firstSeed;
    this.stop();
    const stop = new AbortController();
    this.#stop = stop;
    this.#steps = steps;
    this.trouble = null;
    this.cells = [classPrompt, prompt].flatMap((text) =>
      [0, 1].map((n) => ({ prompt: text, seed: seed + n, picture: null })),
    );
    try {
      for (let at = 0; at < this.cells.length; at++) await this.#drawCell(at, stop, unasked);
    } catch (error) {
      if (this.#stop === stop && !wasAborted(error)) this.trouble = mishap(error);
    } finally {
      if (this.#stop === stop) this.drawing = null;
    }
  }

  async #drawCell(at: number, stop: AbortController, unasked: boolean): Promise<void> {
    stop.signal.throwIfAborted();
    const { prompt, seed } = this.cells[at]!;
    this.drawing = at;
    this.done = this.total = 0;
    const request = this.#request(prompt, seed);
    const hear = ({ done, total }: Progress): void => {
      if (this.#stop === stop) [this.done, this.total] = [done, total];
    };
    const picture = await this.#studio.draw(stop.signal, request, hear, unasked);
    if (this.#stop !== stop) return;
    this.cells = this.cells.map((cell, n) => (n === at ? { ...cell, picture } : cell));
    this.#keep();
  }

  #request(prompt: string, seed: number): DrawRequest {
    return { ...withoutAdapter(prompt, seed, this.#steps), ...this.#canvas() };
  }
  #keep(): void {
    const modelId = this.#model();
    if (!modelId) return;
    const cells = this.cells.map(({ prompt, seed, picture }) => ({ request: this.#request(prompt, seed), picture }));
    this.#studio.keepShown('baseline', { modelId, cells }).catch((error: unknown) => console.warn(error));
  }

  /** Another model: what was drawn is not its. */
  clear(): void {
    this.stop();
    this.cells = [];
    this.trouble = null;
  }

  stop(): void {
    this.#stop?.abort();
    this.#stop = null;
    this.drawing = null;
  }
}

const withoutAdapter = (prompt: string, seed: number, steps: number): Omit<DrawRequest, keyof Canvas> => ({
  prompt,
  negativePrompt: '',
  seed,
  sampler: 'dpm++2m', // shows what it is in a dozen steps
  steps,
  guidance: 7.5,
  adapterId: null,
  moment: null,
  strength: 0,
});
