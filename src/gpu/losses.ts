// losses: one number a question, each at a place of its own in one readback slot; all that were asked one after another are read together.
import type { Readback } from './readback.ts';

/** What was measured is read by then, so that whoever counts along sees that it goes on. */
const READ_MS = 1000;

interface Place {
  resolve(loss: number): void;
  reject(error: unknown): void;
}
interface Batch {
  readonly slot: GPUBuffer;
  readonly begunAt: number;
  readonly places: Place[];
}

export class Losses {
  #batch: Batch | null = null;
  #asked = 0;

  /** @param most losses that one slot holds. */
  constructor(
    readonly readback: Readback,
    readonly most: number,
    readonly now: () => number = () => performance.now(),
  ) {}

  /** @param submit submits the question, in its turn, with a copy of the loss to the place that it asks for then. */
  ask(submit: (place: () => Promise<{ slot: GPUBuffer; offset: number }>) => Promise<void>): Promise<number> {
    this.#asked++;
    return new Promise((resolve, reject) => {
      const place = async () => {
        if (this.#batch?.places.length === this.most) this.#read();
        this.#batch ??= { slot: await this.readback.slot(), begunAt: this.now(), places: [] };
        const { slot, places } = this.#batch;
        places.push({ resolve, reject });
        return { slot, offset: 4 * (places.length - 1) };
      };
      submit(place)
        .catch(reject)
        .finally(() => {
          const due = this.#batch && this.now() - this.#batch.begunAt >= READ_MS;
          if (--this.#asked === 0 || due) this.#read();
        });
    });
  }

  /** Reads what has been submitted. */
  #read(): void {
    if (!this.#batch) return;
    const { slot, places } = this.#batch;
    this.#batch = null;
    this.readback.take(slot, 4 * places.length).then(
      (bytes) => {
        const losses = new Float32Array(bytes);
        for (const [i, { resolve }] of places.entries()) resolve(losses[i] as number);
      },
      (error: unknown) => {
        for (const { reject } of places) reject(error);
      },
    );
  }
}
