// Bytes that are read in parts, wherever they lie, in: a Blob, an array, what storage keeps; one way to read them out.
import { Trouble } from '../trouble.ts';

export interface ByteSource {
  readonly size: number;
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}
export type Bytes = Blob | Uint8Array | ByteSource;

/** The same, whose failures name the file: Trouble 'file-unreadable'. A Blob of a file that was changed or removed since cannot be read any more. */
export function byteSource(bytes: Bytes, fileName: string): ByteSource {
  const read = async (begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> => {
    if (bytes instanceof Uint8Array) return bytes.slice(begin, end) as Uint8Array<ArrayBuffer>;
    if (bytes instanceof Blob) return new Uint8Array(await bytes.slice(begin, end).arrayBuffer());
    return bytes.read(begin, end);
  };
  return {
    size: bytes instanceof Uint8Array ? bytes.byteLength : bytes.size,
    read: (begin, end) =>
      read(begin, end).catch((error: unknown) => {
        throw new Trouble('file-unreadable', { file: fileName }, `${fileName} cannot be read any more: ${error}.`);
      }),
  };
}

/** All of it, as UTF-8. */
export async function readText(bytes: Bytes, fileName: string): Promise<string> {
  const source = byteSource(bytes, fileName);
  return new TextDecoder().decode(await source.read(0, source.size));
}

/** One after the other. */
export function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return parts[0] as Uint8Array<ArrayBuffer>;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
