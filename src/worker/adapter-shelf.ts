// Stored adapters in; lists for the page, weights for the engine, files to download, and files of others taken in, out.

import type { AdapterFile, AdapterInfo, AdapterLayout, AdapterNumbers } from '../adapter/adapter-info.ts';
import { type BaseModel, baseMetadata, saidOfBase } from '../adapter/base-model.ts';
import { adapterFileName } from '../adapter/file-name.ts';
import { kohyaMetadata, networkOf, withoutNetwork } from '../adapter/metadata.ts';
import { openAdapter } from '../adapter/open-adapter.ts';
import { readAdapter } from '../adapter/read.ts';
import { adapterTensorBytes, writeDiffusers, writeKohya } from '../adapter/write.ts';
import { learnedFrom } from '../dataset/split.ts';
import { type AdapterChoice, type DrawRequest, MOST_CLIP_SKIP } from '../diffusion/picture.ts';
import type { LoraModule } from '../gpu/engine-types.ts';
import { newId } from '../new-id.ts';
import type { AdapterStore, StoredAdapter } from '../storage/adapter-store.ts';
import { Trouble } from '../trouble.ts';
import type { LoadedAdapter } from './engine-room.ts';
import { type Chosen, merged, modulesOfAdapter, together } from './several-adapters.ts';

export interface Laid {
  adapter: LoadedAdapter | null;
  strength: number;
}

export interface AdapterShelf {
  list(): Promise<AdapterInfo[]>;
  /** What a picture is drawn with: the adapters asked for as one, and the strength left to scale that by; null: none. */
  asked(request: Pick<DrawRequest, 'adapterId' | 'moment' | 'strength' | 'beside'>): Promise<Laid>;
  /** Keeps these, each with its strength, as one adapter: its rank is the sum of theirs. */
  merge(choices: readonly AdapterChoice[]): Promise<AdapterInfo>;
  /** `numbers`: absent: as the layout's programs write them. */
  file(adapterId: string, moment: number | null, layout: AdapterLayout, numbers?: AdapterNumbers): Promise<AdapterFile>;
  /** As it is listed; its words and its download's name are those that it was trained on. */
  rename(adapterId: string, name: string): Promise<void>;
  /** Takes in a LoRA in any layout that is known, checked against the modules of the open model, which is asked for only then. */
  take(name: string, file: Blob, open: () => { id: string; modules: readonly LoraModule[] }): Promise<AdapterInfo>;
}

/** `baseOf`: a model that an adapter of an earlier version belongs to; null where nobody knows any more. */
export function adapterShelf(
  store: AdapterStore,
  baseOf: (modelId: string) => Promise<BaseModel | null> = async () => null,
): AdapterShelf {
  const find = async (adapterId: string): Promise<StoredAdapter> => {
    const adapter = await store.load(adapterId);
    if (!adapter) throw new Trouble('gone', { what: 'adapter', name: '' }, `there is no adapter ${adapterId}`);
    return adapter;
  };
  const weightsOf = async (adapter: StoredAdapter, moment: number | null) => {
    const step = moment ?? adapter.bestStep;
    const weights = await store.moment(adapter.adapterId, step);
    if (!weights)
      throw new Trouble(
        'gone',
        { what: 'moment', name: `${adapter.name}, step ${step}` },
        `adapter ${adapter.adapterId} has no step ${step}, only ${adapter.moments.join(', ')}`,
      );
    return { step, weights };
  };
  const choose = async ({ adapterId, moment, strength }: AdapterChoice): Promise<Chosen> => {
    const adapter = await find(adapterId);
    return { adapter, strength, ...(await weightsOf(adapter, moment)) };
  };
  const metadataOf = async ({ run, photos, base, modelId, rank, said = {} }: StoredAdapter, step: number) =>
    run
      ? kohyaMetadata(run, base ?? (await baseOf(modelId)), learnedFrom(photos, run.settings.keptAside), step)
      : { ...said, ...networkOf(rank) };
  return {
    list: async () => (await store.list()).map(infoOf),
    async asked({ adapterId, moment, strength, beside = [] }) {
      const own = adapterId === null ? [] : [{ adapterId, moment, strength }];
      const [first, ...others] = await Promise.all([...own, ...beside].filter((one) => one.strength !== 0).map(choose));
      return first ? together([first, ...others]) : { adapter: null, strength: 0 };
    },
    rename: async (adapterId, name) => store.save({ ...(await find(adapterId)), name }),
    async merge(choices) {
      const [first, ...others] = await Promise.all(choices.map(choose));
      if (!first) throw new Error('merge: no adapter was chosen');
      const { run, base, modelId, said = {} } = first.adapter;
      const told = run ? baseMetadata(base ?? (await baseOf(modelId))) : said;
      const { stored, weights } = merged([first, ...others], crypto.randomUUID(), Date.now(), told);
      await store.saveMoment(stored.adapterId, 0, weights);
      await store.save(stored);
      return infoOf(stored);
    },
    async file(adapterId, moment, layout, numbers) {
      const adapter = await find(adapterId);
      const { step, weights } = await weightsOf(adapter, moment);
      const modules = modulesOfAdapter({ adapter, weights });
      const metadata = await metadataOf(adapter, step);
      const bytes =
        layout === 'kohya'
          ? await writeKohya(weights, modules, adapter, metadata, numbers)
          : writeDiffusers(weights, modules, adapter, withoutNetwork(metadata), numbers);
      const { identifier, classNoun, bestStep } = adapter;
      return { name: adapterFileName(identifier, classNoun, step, bestStep, layout), bytes };
    },
    async take(name, file, open) {
      const opened = await openAdapter(file, name);
      const model = modelFor(name, open);
      const read = await readAdapter(opened, model.modules);
      const adapterId = newId();
      // Ours says the words it answers to; so do some others'. Without them the prompt is the user's to know.
      const phrase = (read.metadata['modelspec.trigger_phrase'] ?? '').slice(0, MOST_WORDS);
      const [identifier = '', ...noun] = phrase.split(' ');
      const adapter: StoredAdapter = {
        adapterId,
        name: name.replace(/\.safetensors$/i, ''),
        identifier,
        classNoun: noun.join(' '),
        modelId: model.id,
        rank: read.rank,
        alpha: read.rank, // the reader folded the scale in
        moments: [0],
        bestStep: 0,
        createdAt: Date.now(),
        run: null,
        photos: 0,
        said: saidOfBase(read.metadata),
        modules: read.modules,
        fileBytes: adapterTensorBytes(read.modules, read.rank),
        ...(read.leftOut.textEncoder + read.leftOut.embeddings > 0 && { leftOut: read.leftOut }),
      };
      await store.saveMoment(adapterId, 0, read.weights);
      await store.save(adapter);
      return infoOf(adapter);
    },
  };
}

/** The open model; that there is none is told with the file that waits for it. */
function modelFor<M>(file: string, open: () => M): M {
  try {
    return open();
  } catch (error) {
    throw error instanceof Trouble && error.code === 'no-model' ? new Trouble('no-model', { file }) : error;
  }
}

const MOST_WORDS = 200; // letters of a trigger phrase: somebody's file may say anything

function infoOf(adapter: StoredAdapter): AdapterInfo {
  const { adapterId, name, identifier, classNoun, modelId, rank, moments, bestStep, createdAt, fileBytes, leftOut } =
    adapter;
  const nameTrained = adapter.run?.nameTrained ?? true;
  const known = {
    adapterId,
    name,
    identifier,
    classNoun,
    nameTrained,
    modelId,
    rank,
    moments,
    bestStep,
    createdAt,
    fileBytes,
  };
  const modelVersion = adapter.run?.modelVersion;
  const clipSkip = adapter.run?.settings.clipSkip ?? Number(adapter.said?.ss_clip_skip);
  return {
    ...known,
    ...(modelVersion !== undefined && { modelVersion }),
    ...(Number.isInteger(clipSkip) && clipSkip > 1 && clipSkip <= MOST_CLIP_SKIP && { clipSkip }),
    ...(leftOut && { leftOut }),
  };
}
