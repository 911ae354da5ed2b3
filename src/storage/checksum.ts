// A stored value in, of plain data and typed arrays; 64 bits that a flipped one changes out. Fast enough for every save: xxHash does gigabytes a second.
import { createXXHash64 } from 'hash-wasm';

/** Hex. Fields in any order, for structured clone may change it; absent and undefined are the same. @throws Error for what is neither data nor bytes. */
export async function checksum(value: unknown): Promise<string> {
  const hash = await createXXHash64();
  const visit = (part: unknown, at: string): void => {
    if (ArrayBuffer.isView(part)) {
      hash.update(`${at} ${part.byteLength}:`);
      hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    } else if (part instanceof Map) {
      for (const [key, one] of part) visit(one, `${at}[${String(key)}]`);
    } else if (typeof part === 'object' && part !== null) {
      if (part instanceof Blob) throw new Error(`checksum: ${at} is a Blob, whose bytes are not at hand`);
      const fields = Object.entries(part).filter(([, one]) => one !== undefined);
      for (const [key, one] of fields.sort(([a], [b]) => (a < b ? -1 : 1))) visit(one, `${at}.${key}`);
    } else hash.update(`${at} ${typeof part} ${String(part)};`);
  };
  visit(value, '');
  return hash.digest('hex');
}
