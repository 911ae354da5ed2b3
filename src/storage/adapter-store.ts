// Adapters and their weights at each saved step in; lists of them, and the weights of one step, out.

import type { AdapterInfo } from '../adapter/adapter-info.ts';
import type { BaseModel } from '../adapter/base-model.ts';
import type { LoraModule, LoraWeights } from '../gpu/engine-types.ts';
import type { RunSummary } from '../training/run-summary.ts';
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
  moment(adapterId: string, step: number): Promise<LoraWeights | null>;
  /** Newest first. */
  list(): Promise<StoredAdapter[]>;
  /** With all its moments. */
  forget(adapterId: string): Promise<void>;
}

export function adapterStore(db: Database = database('darkroom-adapters')): AdapterStore {
  return {
    save: (adapter) => db.write({ put: [[['info', adapter.adapterId], adapter]] }),
    saveMoment: (adapterId, step, weights) => db.write({ put: [[['moment', adapterId, step], weights]] }),
    load: async (adapterId) => (await db.get<StoredAdapter>(['info', adapterId])) ?? null,
    moment: async (adapterId, step) => (await db.get<LoraWeights>(['moment', adapterId, step])) ?? null,
    list: async () => (await db.valuesUnder<StoredAdapter>(['info'])).sort((a, b) => b.createdAt - a.createdAt),
    async forget(adapterId) {
      await db.write({ remove: [['info', adapterId], ...(await db.keysUnder(['moment', adapterId]))] });
    },
  };
}
