// Keys and values in, kept in IndexedDB (idb-keyval) out. Every write is one transaction: a crash in the middle leaves what was there before.
import { createStore, promisifyRequest, type UseStore } from 'idb-keyval';
import { diskFull, isQuotaError } from './space.ts';

export type Key = string | (string | number)[];
export interface Changes {
  put?: [Key, unknown][];
  remove?: Key[];
}

/** One database with one store (idb-keyval's rule). Opened at its first use. */
export interface Database {
  get<T>(key: Key): Promise<T | undefined>;
  getMany<T>(keys: Key[]): Promise<(T | undefined)[]>;
  /** All or nothing. A full disk is Trouble 'disk-full' with numbers, and changes nothing. */
  write(changes: Changes): Promise<void>;
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
    write: (changes) => write(store, changes),
    keysUnder: (prefix) => store('readonly', (s) => promisifyRequest(s.getAllKeys(under(prefix)))) as Promise<Key[]>,
    valuesUnder: <T>(prefix: (string | number)[]) =>
      store('readonly', (s) => promisifyRequest<T[]>(s.getAll(under(prefix)))),
  };
}

async function write(store: UseStore, { put = [], remove = [] }: Changes): Promise<void> {
  try {
    await store('readwrite', (s) => {
      try {
        for (const key of remove) s.delete(key);
        for (const [key, value] of put) s.put(value, key);
      } catch (error) {
        s.transaction.abort(); // a value that cannot be cloned must not leave the ones before it written
        throw error;
      }
      return promisifyRequest(s.transaction);
    });
  } catch (error) {
    if (isQuotaError(error)) throw await diskFull(put.reduce((sum, [, value]) => sum + roughBytes(value), 0));
    throw error;
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
