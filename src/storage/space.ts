// How much this browser may still keep: asked of navigator.storage, and said as Trouble 'disk-full' with numbers.
import { Trouble } from '../trouble.ts';

export interface StorageReport {
  usedBytes: number | null; // null: the browser does not say
  freeBytes: number | null;
  persisted: boolean; // the browser promised not to clear it when the disk runs low
}

/** Bytes the browser would still take, or null where it does not say. */
export async function freeBytes(): Promise<number | null> {
  const { quota, usage } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
  return quota === undefined || usage === undefined ? null : Math.max(0, quota - usage);
}

/** What this page's storage holds and may hold; nulls where the browser does not say. */
export async function storageReport(): Promise<StorageReport> {
  const storage = globalThis.navigator?.storage;
  const { usage } = (await storage?.estimate?.()) ?? {};
  return {
    usedBytes: usage ?? null,
    freeBytes: await freeBytes(),
    persisted: (await storage?.persisted?.()) ?? false,
  };
}

/** The trouble to throw when `neededBytes` did not, or would not, fit. */
export async function diskFull(neededBytes: number): Promise<Trouble<'disk-full'>> {
  const free = (await freeBytes().catch(() => null)) ?? 0;
  const facts = { neededBytes, freeBytes: free };
  return new Trouble(
    'disk-full',
    facts,
    `disk full: ${neededBytes} bytes are needed, the browser may store ${free} more. Make room.`,
  );
}

/** Throws 'disk-full' before a download that cannot fit. */
export async function checkSpace(neededBytes: number): Promise<void> {
  const free = await freeBytes();
  if (free !== null && free < neededBytes) throw await diskFull(neededBytes);
}

export const isQuotaError = (error: unknown): boolean => error instanceof Error && error.name === 'QuotaExceededError';

/**
 * Asks the browser not to clear this page's storage when the disk runs low. False where it declines or cannot (in a worker only `persisted`
 * exists): then everything still works, but may be evicted.
 */
export async function askToPersist(): Promise<boolean> {
  const storage = globalThis.navigator?.storage;
  if (await storage?.persisted?.()) return true;
  return (await storage?.persist?.()) ?? false;
}
