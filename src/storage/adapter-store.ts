// Adapters and their weights at each saved step in; lists of them, and the weights of one step, out.
import type { LoraWeights } from '../gpu/engine-types.ts';
import type { AdapterInfo } from '../worker/api.ts';
import { type Database, database } from './database.ts';

/** `A` is what is known of an adapter besides its weights. */
export interface AdapterStore<A extends AdapterInfo> {
  save(adapter: A): Promise<void>;
  saveMoment(adapterId: string, step: number, weights: LoraWeights): Promise<void>;
  load(adapterId: string): Promise<A | null>;
  moment(adapterId: string, step: number): Promise<LoraWeights | null>;
  /** Newest first. */
  list(): Promise<A[]>;
  /** With all its moments. */
  forget(adapterId: string): Promise<void>;
}

export function adapterStore<A extends AdapterInfo>(db: Database = database('darkroom-adapters')): AdapterStore<A> {
  return {
    save: (adapter) => db.write({ put: [[['info', adapter.adapterId], adapter]] }),
    saveMoment: (adapterId, step, weights) => db.write({ put: [[['moment', adapterId, step], weights]] }),
    load: async (adapterId) => (await db.get<A>(['info', adapterId])) ?? null,
    moment: async (adapterId, step) => (await db.get<LoraWeights>(['moment', adapterId, step])) ?? null,
    list: async () => (await db.valuesUnder<A>(['info'])).sort((a, b) => b.createdAt - a.createdAt),
    async forget(adapterId) {
      await db.write({ remove: [['info', adapterId], ...(await db.keysUnder(['moment', adapterId]))] });
    },
  };
}
