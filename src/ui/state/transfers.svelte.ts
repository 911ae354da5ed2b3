// Bytes on their way into this browser: one model fetched or taken in at a time, on whatever screen the user is; paused, gone on with, given up.
import type { ModelListing, Transfer } from '../../worker/api.ts';
import { askToKeep } from '../keep-storage.ts';
import type { Models } from './models.svelte.ts';
import { type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';

export interface ModelFile {
  path: string; // in its folder, with '/'
  file: File;
}
export interface Ongoing {
  kind: 'fetch' | 'import';
  modelId: string | null; // null: a checkpoint gets its id once it was read
  name: string;
  transfer: Transfer | null; // null: nothing was heard yet
  ending: boolean; // paused or given up, and the worker has yet to let go
}

export class Transfers {
  current = $state.raw<Ongoing | null>(null);
  /** What stopped the last one, and of which model. */
  trouble = $state.raw<{ modelId: string | null; mishap: Mishap } | null>(null);
  /** The single file that was last to be taken in: it may be of use elsewhere. */
  offered: File | null = null;
  readonly share = $derived(shareOf(this.current?.transfer ?? null));
  readonly #studio: StudioCalls;
  readonly #models: Models;
  readonly #arrived: (modelId: string) => void;
  #stop: AbortController | null = null;
  #done: Promise<unknown> = Promise.resolve();

  /** `arrived`: a model is here, whole. */
  constructor(studio: StudioCalls, models: Models, arrived: (modelId: string) => void) {
    [this.#studio, this.#models, this.#arrived] = [studio, models, arrived];
  }

  /** Fetches what is missing of a model; again after a pause, a cut or a reload it goes on from what is stored. True when all of it is here. */
  async fetch(modelId: string): Promise<boolean> {
    const name = this.#models.of(modelId)?.name ?? modelId;
    const id = await this.#under({ kind: 'fetch', modelId, name }, async (signal, hear) => {
      await this.#studio.fetchModel(signal, modelId, hear);
      return modelId;
    });
    return id !== null;
  }

  /** Takes in a checkpoint of the user's: a `.safetensors` file or the files of a diffusers folder. Null when it did not come to be. */
  async take(files: ModelFile[]): Promise<ModelListing | null> {
    const name = nameOf(files);
    this.offered = files.length === 1 ? files[0]!.file : null;
    const id = await this.#under({ kind: 'import', modelId: null, name }, async (signal, hear) => {
      return (await this.#studio.importModel(signal, files, hear)).id;
    });
    return this.#models.of(id);
  }

  /** Ends what is under way. A fetch keeps what has arrived; an import leaves nothing behind. Resolves once the worker has let go. */
  async pause(): Promise<void> {
    if (this.current) this.current = { ...this.current, ending: true };
    this.#stop?.abort();
    await this.#done;
  }

  /** Gives a model up: what has arrived of it is deleted. */
  async cancel(modelId: string): Promise<void> {
    if (this.current?.modelId === modelId) await this.pause();
    if (this.trouble?.modelId === modelId) this.trouble = null;
    await this.#models.remove(modelId);
  }

  /** A doubted file is fetched once more. */
  async fetchAgain(modelId: string): Promise<boolean> {
    await this.#models.doubt(modelId);
    return this.fetch(modelId);
  }

  async #under(
    what: Pick<Ongoing, 'kind' | 'modelId' | 'name'>,
    call: (signal: AbortSignal, hear: (transfer: Transfer) => void) => Promise<string>,
  ): Promise<string | null> {
    if (this.current) return null;
    const stop = new AbortController();
    this.#stop = stop;
    this.trouble = null;
    this.current = { ...what, transfer: null, ending: false };
    void askToKeep().then((promised) => {
      this.#models.refused = !promised;
    });
    const hear = (transfer: Transfer): void => {
      if (this.#stop === stop && this.current) this.current = { ...this.current, transfer };
    };
    const work = call(stop.signal, hear).then(
      (id): string | null => id,
      (error): null => {
        if (!wasAborted(error)) this.trouble = { modelId: what.modelId, mishap: mishap(error) };
        return null;
      },
    );
    const ended = work.then(async (id) => {
      await this.#models.refresh();
      this.current = null;
      return id;
    });
    this.#done = ended;
    const id = await ended;
    if (id !== null && this.#models.isHere(id)) this.#arrived(id);
    return id;
  }
}

/** 0…1, or null before anything is known. */
export const shareOf = (transfer: Transfer | null): number | null =>
  transfer && transfer.totalBytes > 0 ? Math.min(1, transfer.doneBytes / transfer.totalBytes) : null;

/** A file's own name; of a folder its top. */
const nameOf = (files: ModelFile[]): string => {
  const path = files[0]?.path ?? '';
  return files.length === 1 ? (path.split('/').at(-1) ?? path) : (path.split('/')[0] ?? path);
};
