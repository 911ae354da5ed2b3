// The page's address in; every model of this browser — the demo, Stable Diffusion 1.5, checkpoints taken in — listed, fetched, opened, deleted out.

import { neededFiles } from '../files/model-folder.ts';
import { readSafetensors } from '../files/safetensors.ts';
import { checkSound } from '../files/sound-weights.ts';
import type { OnProgress } from '../progress.ts';
import { Trouble } from '../trouble.ts';
import { DEMO_BYTES } from './demo-bytes.ts';
import { download } from './download.ts';
import type { KeptFile } from './kept-file.ts';
import { type Manifest, totalBytes } from './manifest.ts';
import { lockingModel } from './model-lock.ts';
import type { ModelListing } from './model-records.ts';
import {
  lookAtFiles,
  type ModelRecord,
  modelIds,
  readRecord,
  removeModel,
  settle,
  writeRecord,
} from './model-records.ts';
import {
  fetchManifest,
  type ModelFiles,
  modelDatabase,
  openModel,
  openStored,
  ownFetch,
  recordOf,
  type StoreOptions,
} from './model-store.ts';
import { request } from './ranged-request.ts';
import { demoModel, type ModelSource, stableDiffusion15 } from './sources.ts';
import { cleanLeftovers, type FolderToKeep, TAKING_IN, takeIn } from './take-in.ts';
import type { OnTransfer } from './transfer-meter.ts';

export interface ModelLibrary {
  list(): Promise<ModelListing[]>;
  acceptLicence(id: string): Promise<void>;
  /** Trouble 'hash-differs' when all is here but a file is not the one expected: it is kept, and the model is 'doubted'. */
  fetch(signal: AbortSignal, id: string, onTransfer: OnTransfer): Promise<void>;
  /** `open` reads the checkpoint, once no other is being taken in. */
  takeIn(signal: AbortSignal, open: () => Promise<FolderToKeep>, onTransfer: OnTransfer): Promise<ModelListing>;
  /** Trouble 'broken-weights' where nothing could be done with the odd files: they stay doubted. */
  trust(id: string): Promise<void>;
  doubt(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** Whether there is somewhere to fetch it from: not so for a checkpoint of the user's. */
  canFetch(id: string): boolean;
  open(signal: AbortSignal, id: string, onProgress: OnProgress): Promise<ModelFiles>;
  /** CLIP's vocabulary and merges, for checkpoints that come without: the demo model's, stored or fetched. */
  tokenizer(): Promise<{ vocab: Blob; merges: Blob }>;
}
export interface LibraryOptions extends StoreOptions {
  locks?: LockManager;
  /** Whether the page's content policy lets it ask this address. */
  mayAsk?: (url: URL) => boolean;
}

/** All models as the page at `page` sees them. */
export function modelLibrary(page: string, options: LibraryOptions = {}): ModelLibrary {
  const db = options.db ?? modelDatabase();
  const store = { ...options, db, fetch: options.fetch ?? ownFetch };
  const { shardBytes } = options;
  const sources = new Map([demoModel(page), stableDiffusion15(page)].map((source) => [source.id, source]));
  const locked = <T>(id: string, work: () => Promise<T>, wait = false, signal?: AbortSignal) =>
    lockingModel(id, work, { wait, signal, ...(options.locks ? { locks: options.locks } : {}) });

  /** A checkpoint of the user's is here whole or it is not: nobody but them can bring it again. */
  const noSource = async (id: string): Promise<Trouble> => {
    const { bytes, storedBytes } = await listingOf(id);
    const facts = { modelId: id, missingBytes: Math.max(0, bytes - storedBytes), origin: 'disk' as const };
    return new Trouble('model-incomplete', facts, `the model “${id}” cannot be fetched from anywhere`);
  };
  /** What is being fetched, where that is not what is in use. */
  const wantedOf = async (id: string): Promise<ModelRecord> => {
    const record = (await readRecord(db, 'wanted', id)) ?? (await readRecord(db, 'model', id));
    if (!record) throw new Trouble('gone', { what: 'model', name: id }, `nothing of the model “${id}” is here`);
    return record;
  };
  const accepted = async (id: string): Promise<boolean> => (await db.get(['licence', id])) !== undefined;

  async function list(): Promise<ModelListing[]> {
    await cleanLeftovers(db, options.locks);
    const own = (await modelIds(db)).filter((id) => !sources.has(id));
    return Promise.all([...sources.keys(), ...own].map(listingOf));
  }

  async function listingOf(id: string): Promise<ModelListing> {
    const source = sources.get(id);
    const inUse = await readRecord(db, 'model', id);
    const states = async ({ files }: Manifest) => {
      const { kept: _kept, ...state } = await lookAtFiles(db, files, shardBytes);
      return state;
    };
    // What is in use counts while it is whole, also when a newer one is on its way.
    let record = inUse;
    let state = inUse && (await states(inUse));
    if (state?.state !== 'complete') {
      record = (await readRecord(db, 'wanted', id)) ?? inUse ?? null;
      // Never begun, nothing of it is here, although another model may hold files that it has too (CLIP's vocabulary): deleting would free none.
      state = record
        ? await states(record)
        : { bytes: totalBytes((await source?.manifest?.())?.files ?? []) || DEMO_BYTES, ...nothingHere };
    }
    const facts = { name: id, source: '', licence: '', licenceUrl: null, ...source, ...record };
    return {
      id,
      name: facts.name,
      source: facts.source,
      licence: facts.licence,
      licenceUrl: facts.licenceUrl,
      asksLicence: (source?.asksLicence ?? false) && !(await accepted(id)),
      ...state,
    };
  }

  /** The mirror's own list of files where it has one, else the one written down here. */
  async function manifestFor(source: ModelSource, signal: AbortSignal): Promise<Manifest> {
    if (source.mirror && options.mayAsk?.(source.baseUrl) === false)
      throw new Trouble('mirror-refused', { host: source.baseUrl.host });
    if (source.manifest && !source.mirror) return source.manifest();
    try {
      return await fetchManifest(source, { fetch: store.fetch, signal });
    } catch (error) {
      const none = error instanceof Trouble && error.code === 'file-missing';
      if (none && source.manifest && (error as Trouble<'file-missing'>).facts.status === 404) return source.manifest();
      throw error;
    }
  }

  async function fetchModel(signal: AbortSignal, id: string, onTransfer: OnTransfer): Promise<void> {
    const source = sources.get(id);
    if (!source) throw await noSource(id);
    if (source.asksLicence && !(await accepted(id))) throw new Error(`the licence of “${id}” was not accepted`);
    await locked(id, async () => {
      if ((await listingOf(id)).state === 'complete') return;
      const record = recordOf(source, await manifestFor(source, signal));
      await writeRecord(db, 'wanted', id, record);
      const how = { ...store, baseUrl: source.baseUrl, signal, onTransfer };
      const odd = (await download(record.files, how)).find(({ state }) => state === 'doubted');
      if (odd) throw hashDiffers(odd);
      await settle(db, id, record);
    });
  }

  async function doubted(id: string): Promise<{ record: ModelRecord; files: KeptFile[] }> {
    const record = await wantedOf(id);
    const { kept } = await lookAtFiles(db, record.files, shardBytes);
    return { record, files: [...kept.values()].filter(({ state }) => state === 'doubted') };
  }

  /** A checkpoint taken in before weights were looked at is looked at once, when it is first opened. */
  async function openHere(signal: AbortSignal, id: string, onProgress: OnProgress): Promise<ModelFiles> {
    const files = await openStored(id, { name: id, source: '', licence: '', licenceUrl: null }, store);
    const record = await readRecord(db, 'model', id);
    if (sources.has(id) || record?.sound) return files;
    let done = 0;
    const hear = (bytes: number) => {
      done += bytes;
      onProgress({ phase: 'opening-model', done, total: files.bytes });
    };
    for (const path of neededFiles)
      if (path.endsWith('.safetensors')) await checkSound(await files.tensors(path), signal, hear);
    await locked(
      id,
      async () => {
        const now = await readRecord(db, 'model', id); // it may have been deleted meanwhile
        if (now) await writeRecord(db, 'model', id, { ...now, sound: true });
      },
      true,
      signal,
    );
    return files;
  }

  async function tokenizer(): Promise<{ vocab: Blob; merges: Blob }> {
    const source = demoModel(page);
    const stored = (await readRecord(db, 'model', source.id)) ?? { files: [] };
    const { kept } = await lookAtFiles(db, stored.files, shardBytes);
    const one = async (path: string) => {
      const file = kept.get(path);
      return file?.state === 'good'
        ? new Blob([await file.source().read(0, file.file.bytes)])
        : (await request({ fetch: store.fetch, baseUrl: source.baseUrl, signal: undefined }, path)).blob();
    };
    return { vocab: await one('tokenizer/vocab.json'), merges: await one('tokenizer/merges.txt') };
  }

  return {
    list,
    tokenizer,
    acceptLicence: (id) => db.write({ put: [[['licence', id], { acceptedAt: Date.now() }]] }),
    fetch: fetchModel,
    takeIn: (signal, open, onTransfer) =>
      locked(TAKING_IN, async () => {
        const folder = await open();
        return listingOf((await takeIn(folder, { db, shardBytes, signal, onTransfer })).id);
      }),
    trust: (id) =>
      locked(id, async () => {
        const { record, files } = await doubted(id);
        for (const odd of files) await checkWeights(odd);
        for (const file of files) await file.trust();
        if ((await lookAtFiles(db, record.files, shardBytes)).state === 'complete') await settle(db, id, record);
      }),
    doubt: (id) =>
      locked(id, async () => {
        for (const file of (await doubted(id)).files) await file.drop();
      }),
    remove: (id) => locked(id, () => removeModel(db, id)),
    canFetch: (id) => sources.has(id),
    async open(signal, id, onProgress) {
      if (id !== 'demo') return openHere(signal, id, onProgress);
      // Small: a second tab waits for the first and then finds it here.
      return locked(id, () => openModel(demoModel(page), { ...store, signal, onProgress }), true, signal);
    },
  };
}

const nothingHere = { storedBytes: 0, state: 'absent', doubts: [] } as const satisfies Partial<ModelListing>;

const checkWeights = async (kept: KeptFile): Promise<void> => {
  const { path } = kept.file;
  if (path.endsWith('.safetensors')) await checkSound(await readSafetensors(kept.source(), path));
};

const hashDiffers = ({ file, got }: KeptFile): Trouble<'hash-differs'> =>
  new Trouble(
    'hash-differs',
    { file: file.path, expected: file.sha256, got: got ?? '' },
    `${file.path}: expected sha256 ${file.sha256}, got ${got}. It was kept aside.`,
  );
