// An odd server and an empty database in; the library of a page whose `?mirror=` names that server, opened anew as a reload does, out.
import { createHash, randomBytes } from 'node:crypto';
import { writeSafetensors } from '../../src/files/safetensors.ts';
import type { Database } from '../../src/storage/database.ts';
import { type LibraryOptions, modelLibrary } from '../../src/storage/model-library.ts';
import type { FolderToKeep } from '../../src/storage/take-in.ts';
import { manifestOf, OddServer } from './odd-server.ts';
import { emptyDatabase, smallModel } from './small-model.ts';

export const UNET = 'unet/diffusion_pytorch_model.safetensors';
export const KIB = 1024;
export const never = new AbortController().signal;
export const quick = { tries: 3, firstMs: 1, longestMs: 5000 };
export const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A model whose U-Net has `floats` random numbers. */
export function modelWith(floats: number): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>(smallModel(1));
  const words = new Uint8Array(randomBytes(4 * floats)).map((byte, i) => (i % 4 === 3 ? byte & 0xbf : byte)); // none above 2
  files.set(UNET, writeSafetensors([{ name: 'weight', dtype: 'F32', shape: [floats], data: words }]));
  files.set('manifest.json', new TextEncoder().encode(JSON.stringify(manifestOf(files))));
  return files;
}

export async function mirrored(floats = 40_000, options: LibraryOptions = {}) {
  const server = new OddServer(modelWith(floats));
  const url = await server.listen();
  const db = options.db ?? emptyDatabase();
  const page = `http://page.example/?mirror=${url}`;
  const open = (more: LibraryOptions = {}) =>
    modelLibrary(page, { db, waiting: quick, shardBytes: 32 * KIB, ...options, ...more });
  const library = open();
  await library.acceptLicence('sd15');
  const sd15 = async (from = library) => (await from.list()).find(({ id }) => id === 'sd15')!;
  const stored = async (path: string, from = library) => {
    const folder = await from.open(never, 'sd15', () => {});
    return path.endsWith('.safetensors') ? (await folder.tensors(path)).bytes('weight') : folder.text(path);
  };
  return { server, url, db, open, library, sd15, stored };
}

/** The database as a tab has it: once it is ended nothing more is written. */
export function tabOf(db: Database): { db: Database; end(): void } {
  let ended = false;
  return {
    db: {
      ...db,
      write: async (changes) => {
        if (ended) throw new Error('this tab was closed');
        return db.write(changes);
      },
    },
    end() {
      ended = true;
    },
  };
}

/** fetch, counting the bytes of bodies as they arrive; `onBytes` hears of each piece. */
export function countingFetch(onBytes: (all: number) => void) {
  const count = { bytes: 0 };
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init);
    if (!response.body) return response;
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          count.bytes += chunk.length;
          controller.enqueue(chunk);
          onBytes(count.bytes);
        },
      }),
    );
    return new Response(counted, { status: response.status, headers: response.headers });
  };
  return { count, fetch };
}

/** A checkpoint as files/checkpoint hands it over, in chunks of one reused buffer. */
export function ownFolder(
  breaks: { at?: string; by?: () => void; change?: (model: Map<string, Uint8Array>) => void } = {},
): FolderToKeep {
  const model: Map<string, Uint8Array> = new Map(smallModel(1));
  breaks.change?.(model);
  const files = [...model].map(([path, bytes]) => ({
    path,
    bytes: bytes.length,
    async *chunks() {
      if (path === breaks.at) breaks.by?.();
      const buffer = new Uint8Array(700);
      for (let at = 0; at < bytes.length; at += 700) {
        const part = bytes.subarray(at, at + 700);
        buffer.set(part);
        yield buffer.subarray(0, part.length);
        buffer.fill(0);
      }
    },
  }));
  return { name: 'mine.safetensors', files };
}
