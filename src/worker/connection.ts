// One worker in; calls to it with their answers out — or, when it breaks, is ended or says nothing for long, the reason to all who wait.
import * as Comlink from 'comlink';
import type { Patience } from '../training/silence.ts';
import { Trouble } from '../trouble.ts';
import { type Watch, watch } from './watch.ts';
import type { WireStudio } from './wire.ts';

export type Remote = Comlink.Remote<WireStudio>;
export type Call<T> = (studio: Remote) => Promise<T>;

/** The worker said nothing for long. `step`: the last saved one of the training that it did. */
export const noAnswer = (step?: number): Trouble<'no-answer'> =>
  new Trouble('no-answer', step === undefined ? {} : { step });

export class Connection {
  readonly remote: Remote;
  /** The model is open in it, or being opened again, as far as this side has seen to it. */
  opened = false;
  opening: Promise<unknown> | null = null;
  ended = false;
  readonly #worker: Worker;
  readonly #watch: Watch;
  /** The calls under way: told when the worker is ended, since no answer comes any more. */
  readonly #waiting = new Set<(reason: unknown) => void>();

  /** `tickMs`: how often it is looked whether the worker is still there. */
  constructor(worker: Worker, patience: () => Patience, tickMs?: number) {
    this.#worker = worker;
    const remote = Comlink.wrap<WireStudio>(worker);
    this.remote = remote;
    this.#watch = watch({ ping: () => remote.ping(), patience, onSilence: () => this.end(noAnswer()), tickMs });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.end(new Error(`the studio worker broke: ${event.message || 'its script could not be loaded'}`));
    });
    void remote.begin(globalThis.document?.baseURI ?? ''); // messages keep their order: it is known before the first call
  }

  /** `before`: what must have happened first; nothing, and the message is on its way at once. */
  ask<T>(call: Call<T>, before: Promise<unknown> | null = null): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const answered = this.#watch.waits();
      this.#waiting.add(reject);
      const asked = before ? before.then(() => call(this.remote)) : call(this.remote);
      asked.then(resolve, reject).finally(() => {
        this.#waiting.delete(reject);
        this.#watch.heard(false);
        answered();
      });
    });
  }

  /** A callback for the worker; `news`: of a work that could hang the training. What an ended one still says is not heard. */
  hear<T>(callback: (said: T) => void, news = true): ((said: T) => void) & Comlink.ProxyMarked {
    this.#watch.heard(news);
    return Comlink.proxy((said: T) => {
      if (this.ended) return;
      this.#watch.heard(news);
      callback(said);
    });
  }

  /** Ends the worker at once, whatever it does. */
  end(reason: unknown): void {
    this.ended = true;
    this.#watch.close();
    this.#worker.terminate();
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }
}
