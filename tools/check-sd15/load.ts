// A checkpoint of make.py in; the model as the app's own loader has it, over HTTP into IndexedDB and opened from there, and the seconds, out.
import 'fake-indexeddb/auto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelFolder } from '../../src/files/model-folder.ts';
import type { Manifest } from '../../src/storage/manifest.ts';
import { demoModel, openModel } from '../../src/storage/model-store.ts';
import type { Options } from './options.ts';
import { serve } from './serve.ts';

export async function load(options: Options, folder: string, seconds: Record<string, number>): Promise<ModelFolder> {
  if (options.layout === 'ldm') throw new Error('--layout ldm: the importer is not here yet');
  const served = await serve(folder);
  const began = performance.now();
  try {
    const { files } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as Manifest;
    const fromOf = new Map(files.map((f) => [f.path, (f as { from?: string }).from ?? f.path]));
    return await openModel(
      { ...demoModel(served.url), id: 'sd15', baseUrl: served.url },
      {
        fetch: (input, init) => {
          const url = new URL(String(input));
          const path = url.pathname.slice(1);
          return fetch(new URL(fromOf.get(path) ?? path, served.url), init);
        },
      },
    );
  } finally {
    served.close();
    seconds.load = (performance.now() - began) / 1000;
  }
}
