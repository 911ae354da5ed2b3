// A Blob that a database gave, and a way to ask for it again, in; what is read of it out. One failed read is no loss.

/** The browser says that the bytes are not there, and not only that it could not read them just now. */
export const isGone = (error: unknown): boolean =>
  error instanceof DOMException && (error.name === 'NotFoundError' || error.name === 'NotReadableError');

/**
 * A Blob's handle may die while its record lives (Safari's do with its network process): what cannot be read is tried once more with the Blob of
 * the record read `again`. Rejects with the browser's second error: gone (`isGone`) is only what is not there then either.
 */
export async function readAnew<T>(
  blob: Blob | null,
  again: () => Promise<Blob | null | undefined>,
  read: (blob: Blob) => Promise<T>,
): Promise<T> {
  if (blob)
    try {
      return await read(blob);
    } catch {
      // The second try tells.
    }
  const stored = await again();
  if (!stored) throw new DOMException('its record is not in the database any more', 'NotFoundError');
  return read(stored);
}
