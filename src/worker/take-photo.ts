// A dropped file in; our own copy of it, kept (of a HEIC the JPEG that can be shown), and what was read from that copy out. The user's file is touched once.
import { asShown } from '../dataset/heic.ts';
import { ownCopy } from '../dataset/photo-bytes.ts';
import { type PhotoReading, readPhoto } from '../dataset/read-photo.ts';
import type { ProjectStore } from '../storage/project-store.ts';
import { Trouble } from '../trouble.ts';

/** A file that is no photo is not kept. On a full disk the copy stays in memory: saving the project says that it is not kept. */
export async function takePhoto(
  store: Pick<ProjectStore, 'keep'>,
  signal: AbortSignal,
  dropped: { id: string; name: string; file: Blob },
  known: { id: string; fingerprint: string }[],
  needs: number,
  { read = readPhoto, shown = asShown } = {}, // others in tests: Node decodes no photos
): Promise<{ reading: PhotoReading; file: Blob }> {
  const { id, name } = dropped;
  const own = await ownCopy(name, dropped.file);
  signal.throwIfAborted();
  const copy = await shown(name, own);
  signal.throwIfAborted();
  const reading = await read(name, copy, known, needs);
  signal.throwIfAborted();
  try {
    return { reading, file: await store.keep(id, { file: copy, thumbnail: reading.thumbnail }) };
  } catch (error) {
    if (error instanceof Trouble && error.code === 'disk-full') return { reading, file: copy };
    throw error;
  }
}
