// Keys and values in, kept in IndexedDB (idb-keyval) out. Every write is one transaction: a crash in the middle leaves what was there before.
import { createStore, promisifyRequest, type UseStore } from 'idb-keyval';
import { diskFull, isQuotaError } from './space.ts';

export type Key = string | (string | number)[];
export interface Changes {
  put?: [Key, unknown][];
  remove?: Key[];
}

/** What can be done within one transaction. */
export interface Transaction {
  get<T>(key: Key): Promise<T | undefined>;
  keysUnder(prefix: (string | number)[]): Promise<Key[]>;
  valuesUnder<T>(prefix: (string | number)[]): Promise<T[]>;
  put(key: Key, value: unknown): void;
  remove(key: Key): void;
}

/** One database with one store (idb-keyval's rule). Opened at its first use. */
export interface Database {
  get<T>(key: Key): Promise<T | undefined>;
  getMany<T>(keys: Key[]): Promise<(T | undefined)[]>;
  /** All or nothing. A full disk is Trouble 'disk-full' with numbers, and changes nothing. */
  write(changes: Changes): Promise<void>;
  /**
   * Reads and writes as one: nothing that `work` has read is changed by another tab before it has written; it throws, and nothing is written.
   * `work` may wait for nothing but `all`. A full disk as in `write`; `needed`: bytes that it asks for in all, where what was put until then is not that.
   */
  transact<T>(mode: IDBTransactionMode, work: (all: Transaction) => Promise<T>, needed?: () => number): Promise<T>;
  /** Keys that begin with these parts, in order. */
  keysUnder(prefix: (string | number)[]): Promise<Key[]>;
  valuesUnder<T>(prefix: (string | number)[]): Promise<T[]>;
}

/** `name` is the database's: `darkroom-runs`. Whoever changes the form of its values takes a new name. */
export function database(name: string): Database {
  let opened: UseStore | undefined;
  const store: UseStore = (mode, callback) => {
    opened ??= createStore(name, 'values');
    return opened(mode, callback);
  };
  return {
    get: <T>(key: Key) => store('readonly', (s) => promisifyRequest<T | undefined>(s.get(key))),
    getMany: <T>(keys: Key[]) =>
      store('readonly', (s) => Promise.all(keys.map((key) => promisifyRequest<T | undefined>(s.get(key))))),
    write: ({ put = [], remove = [] }) => {
      const work = async (all: Transaction) => {
        for (const key of remove) all.remove(key);
        for (const [key, value] of put) all.put(key, value);
      };
      return transact(store, 'readwrite', work, () => put.reduce((sum, [, value]) => sum + roughBytes(value), 0));
    },
    transact: (mode, work, needed) => transact(store, mode, work, needed),
    keysUnder: (prefix) => store('readonly', (s) => promisifyRequest(s.getAllKeys(under(prefix)))) as Promise<Key[]>,
    valuesUnder: <T>(prefix: (string | number)[]) =>
      store('readonly', (s) => promisifyRequest<T[]>(s.getAll(under(prefix)))),
  };
}

async function transact<T>(
  store: UseStore,
  mode: IDBTransactionMode,
  work: (all: Transaction) => Promise<T>,
  needed?: () => number, // bytes, should the disk be full; what was put until then if it is not known
): Promise<T> {
  let written = 0; // bytes, roughly
  try {
    return await store(mode, async (s) => {
      const ended = promisifyRequest(s.transaction);
      ended.catch(() => {}); // it is waited for below, or the reason is already known
      const all: Transaction = {
        get: <V>(key: Key) => promisifyRequest<V | undefined>(s.get(key)),
        keysUnder: (prefix) => promisifyRequest(s.getAllKeys(under(prefix))) as Promise<Key[]>,
        valuesUnder: <V>(prefix: (string | number)[]) => promisifyRequest<V[]>(s.getAll(under(prefix))),
        put(key, value) {
          written += roughBytes(value);
          s.put(value, key);
        },
        remove: (key) => void s.delete(key),
      };
      try {
        const result = await work(all);
        await ended;
        return result;
      } catch (error) {
        abort(s.transaction); // a value that cannot be cloned must not leave the ones before it written
        throw error;
      }
    });
  } catch (error) {
    if (isQuotaError(error)) throw await diskFull(needed?.() ?? written);
    throw error;
  }
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended by itself.
  }
}

// IndexedDB sorts arrays after every number and string, so [...prefix, []] lies behind all that begins with prefix.
const under = (prefix: (string | number)[]): IDBKeyRange => IDBKeyRange.bound(prefix, [...prefix, []]);

/** About how many bytes a value takes when stored: what is large in it. */
export function roughBytes(value: unknown): number {
  if (typeof value === 'string') return 2 * value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (value instanceof Blob) return value.size;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  const parts = value instanceof Map ? [...value].flat() : Object.values(value);
  return parts.reduce((sum: number, part) => sum + roughBytes(part), 0);
}
