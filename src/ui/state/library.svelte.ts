// The adapters that are kept here, each with its latest picture; renamed, and deleted once ten seconds have passed without Undo.
import type { AdapterInfo } from '../../worker/api.ts';
import type { Compare } from './compare.svelte.ts';
import { mishap, type StudioCalls } from './studio.ts';

/** As long as the toast with Undo stands. */
const UNDO_MS = 10_000;

export class Library {
  /** By the adapter's id. One that was read from a file and never drawn with has none. */
  pictures = $state.raw<ReadonlyMap<string, Blob>>(new Map());
  /** Asked to be deleted, and still to be had back. */
  #going = $state.raw<ReadonlyMap<string, ReturnType<typeof setTimeout>>>(new Map());
  readonly adapters: AdapterInfo[] = $derived.by(() =>
    this.#compare.adapters.filter(({ adapterId }) => !this.#going.has(adapterId)),
  );
  readonly #studio: StudioCalls;
  readonly #compare: Compare;

  constructor(studio: StudioCalls, compare: Compare) {
    this.#studio = studio;
    this.#compare = compare;
  }

  /** Adapters made with a model, those on their way out too: until then they need it. */
  madeWith(modelId: string): number {
    return this.#compare.adapters.filter((adapter) => adapter.modelId === modelId).length;
  }

  /** Asks what is kept. Pictures are a run's newest preview, or what Compare showed last. */
  async look(): Promise<void> {
    await this.#compare.list();
    try {
      const pictures = new Map<string, Blob>();
      for (const { adapterId, runId } of await this.#studio.runs()) {
        const newest = adapterId === null ? null : (await this.#studio.previews(runId)).at(-1);
        if (adapterId !== null && newest && !pictures.has(adapterId)) pictures.set(adapterId, newest.picture.png);
      }
      for (const { request, picture } of (await this.#studio.shown('compare'))?.cells.toReversed() ?? [])
        if (request.adapterId !== null && picture) pictures.set(request.adapterId, picture.png);
      this.pictures = pictures;
    } catch (error) {
      console.warn(error); // a list without pictures is a list
    }
  }

  async rename(adapter: AdapterInfo, name: string): Promise<void> {
    const wanted = name.trim();
    if (wanted === '' || wanted === adapter.name) return;
    try {
      await this.#studio.renameAdapter(adapter.adapterId, wanted);
    } catch (error) {
      this.#compare.trouble = mishap(error);
    }
    await this.#compare.list();
  }

  /** It leaves the list at once and this browser later: the returned function brings it back until then. A page that is closed meanwhile keeps it. */
  remove(adapter: AdapterInfo): () => void {
    const { adapterId } = adapter;
    const settle = (): void => {
      const going = new Map(this.#going);
      clearTimeout(going.get(adapterId));
      going.delete(adapterId);
      this.#going = going;
    };
    const end = setTimeout(() => {
      this.#compare
        .remove(adapter)
        .catch((error: unknown) => {
          this.#compare.trouble = mishap(error);
        })
        .finally(settle);
    }, UNDO_MS);
    this.#going = new Map([...this.#going, [adapterId, end]]);
    return settle;
  }
}
