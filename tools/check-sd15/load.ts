// A checkpoint of make.py in; the model as the app's own loader has it — fetched or taken in, kept in IndexedDB, opened from there — and the seconds, out.
import 'fake-indexeddb/auto';
import { openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint } from '../../src/files/checkpoint/checkpoint.ts';
import type { ModelFolder } from '../../src/files/model-folder.ts';
import { modelLibrary } from '../../src/storage/model-library.ts';
import { root } from '../packages.mjs';
import type { Options } from './options.ts';
import { SINGLE } from './prepare.ts';
import { serve } from './serve.ts';

export async function load(options: Options, folder: string, seconds: Record<string, number>): Promise<ModelFolder> {
  const served = await serve(folder);
  const page = new URL(`?mirror=${encodeURIComponent(served.url.href)}`, served.url);
  const library = modelLibrary(page.href);
  const { signal } = new AbortController();
  const began = performance.now();
  try {
    let id = 'sd15';
    if (options.layout === 'ldm') {
      const file = await openAsBlob(join(folder, SINGLE));
      const open = () => openCheckpoint([{ path: SINGLE, file }], tokenizer);
      id = (await library.takeIn(signal, open, () => {})).id;
    } else {
      await library.acceptLicence(id);
      await library.fetch(signal, id, () => {});
    }
    return await library.open(signal, id, () => {});
  } finally {
    served.close();
    seconds.load = (performance.now() - began) / 1000;
  }
}

/** As the bundled model has it: a single file comes without. */
async function tokenizer(): Promise<{ vocab: Blob; merges: Blob }> {
  const file = (name: string) => openAsBlob(join(root, 'public', 'models', 'demo', 'tokenizer', name));
  return { vocab: await file('vocab.json'), merges: await file('merges.txt') };
}
