// Safetensors files that no writer would write, and the trouble they must end in.
import { expect } from 'vitest';
import { readSafetensors } from '../../src/files/safetensors.ts';
import { Trouble } from '../../src/trouble.ts';

/** A file from a header text as is, without any check. */
export function forge(header: string, dataBytes: number, claimedHeaderBytes?: bigint): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + json.length + dataBytes);
  new DataView(out.buffer).setBigUint64(0, claimedHeaderBytes ?? BigInt(json.length), true);
  out.set(json, 8);
  return out;
}
export async function troubleOf(bytes: Uint8Array): Promise<Trouble<'file-damaged'>> {
  const error: unknown = await readSafetensors(bytes, 'x.safetensors').then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(Trouble);
  expect((error as Trouble).code).toBe('file-damaged');
  return error as Trouble<'file-damaged'>;
}
