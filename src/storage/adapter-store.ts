// Adapters and their weights at each saved step in; lists of them, and the weights of one step, out.

import type { AdapterInfo } from '../adapter/adapter-info.ts';
import type { BaseModel } from '../adapter/base-model.ts';
import type { LoraModule, LoraWeights } from '../gpu/engine-types.ts';
import type { RunSummary } from '../training/run-summary.ts';
import { Trouble } from '../trouble.ts';
import { checksum } from './checksum.ts';
import { type Database, database } from './database.ts';

/** An adapter without its weights. */
export interface StoredAdapter extends AdapterInfo {
  alpha: number;
  run: RunSummary | null; // null = read from a file
  photos: number; // those kept aside too
  base?: BaseModel; // absent: stored before this was kept, or read from a file
  modules?: readonly LoraModule[]; // absent: stored before this was kept, or a run's of the attention alone; then all are linear layers
  said?: Readonly<Record<string, string>>; // what a file that was read says of its base
}
export interface AdapterStore {
  save(adapter: StoredAdapter): Promise<void>;
  saveMoment(adapterId: string, step: number, weights: LoraWeights): Promise<void>;
  load(adapterId: string): Promise<StoredAdapter | null>;
  /** Trouble 'gone' ('damaged') where its bytes are not those that were saved. */
  moment(adapterId: string, step: number): Promise<LoraWeights | null>;
  /** Newest first. */
  list(): Promise<StoredAdapter[]>;
  /** With all its moments. */
  forget(adapterId: string): Promise<void>;
}

export function adapterStore(db: Database = database('darkroom-adapters')): AdapterStore {
  return {
    save: (adapter) => db.write({ put: [[['info', adapter.adapterId], adapter]] }),
    async saveMoment(adapterId, step, weights) {
      const sum = await checksum(weights);
      await db.write({
        put: [
          [['moment', adapterId, step], weights],
          [['checksum', adapterId, step], sum], // absent: saved by an earlier version
        ],
      });
    },
    load: async (adapterId) => (await db.get<StoredAdapter>(['info', adapterId])) ?? null,
    async moment(adapterId, step) {
      const keys = ['moment', 'checksum'].map((kind) => [kind, adapterId, step]);
      const [weights, sum] = (await db.getMany<unknown>(keys)) as [LoraWeights | undefined, string | undefined];
      if (weights && sum !== undefined && sum !== (await checksum(weights)))
        throw new Trouble('gone', { what: 'moment', name: `step ${step}`, damaged: true });
      return weights ?? null;
    },
    list: async () => (await db.valuesUnder<StoredAdapter>(['info'])).sort((a, b) => b.createdAt - a.createdAt),
    async forget(adapterId) {
      const [moments, sums] = [await db.keysUnder(['moment', adapterId]), await db.keysUnder(['checksum', adapterId])];
      await db.write({ remove: [['info', adapterId], ...moments, ...sums] });
    },
  };
}
