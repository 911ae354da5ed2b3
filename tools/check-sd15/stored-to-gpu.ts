// A browser profile that has the model stored in; how its upload compares with reading and writing alone, with Node's bytes, and with 500 MB, out.

import { openAsBlob, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, preview } from 'vite';
import { readSafetensors } from '../../src/files/safetensors.ts';
import { enginePrograms } from '../../src/gpu/engine-plan.ts';
import type { WeightStorage } from '../../src/gpu/engine-types.ts';
import { parseUNetConfig } from '../../src/model/config.ts';
import type { OpenBrowser } from '../browser.ts';
import { gpu } from '../dawn.ts';
import { root } from '../packages.mjs';
import { peakWhile } from './browser-memory.ts';
import { type Row, row } from './row.ts';
import { differing, uploadDigests } from './uploads.ts';

/** The issue: a stored checkpoint reaches the GPU in at most this many times the time of reading it and `writeBuffer`. */
const SLOWEST_UPLOAD = 1.5;
const ROUNDS = 5;
const OUT = join(root, '.cache', 'upload-page');
const PAGE = 'tools/check-sd15/upload-page.html';

export interface StoredModel {
  open(): Promise<OpenBrowser>;
  mostMB: number | undefined; // what the page may take beside; undefined: it cannot be told from the model's own bytes
  port: number; // the page's own: storage belongs to an address
  narrow: boolean;
  weights: WeightStorage;
  folder: string; // the checkpoint, as Node reads it
}

export async function storedToGpu(model: StoredModel, seconds: Record<string, number>): Promise<Row[]> {
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    build: { outDir: OUT, emptyOutDir: true, target: 'es2022', rolldownOptions: { input: PAGE } },
  });
  const server = await preview({
    root,
    configFile: false,
    logLevel: 'warn',
    build: { outDir: OUT },
    preview: { port: model.port, strictPort: true, host: 'localhost', open: false },
  });
  const { name, profile, page: newPage, close } = await model.open();
  try {
    const page = await newPage((sentence) => console.error(`page: ${sentence}`));
    page.setDefaultTimeout(0);
    await page.goto(`http://localhost:${model.port}/${PAGE}`);
    await page.waitForFunction(() => window.upload !== undefined);
    const idle = await peakWhile(profile, () => new Promise((resolve) => setTimeout(resolve, 5000)));
    const upload = () => page.evaluate((weights) => window.upload('sd15', weights), model.weights);
    const { peakBytes } = await peakWhile(profile, upload);
    const times = await sideBySide(() => page.evaluate(() => window.readAndWrite('sd15')), upload);
    const ratios = times.map(([alone, ours]) => ours / alone).sort((a, b) => a - b);
    seconds['read and write'] = Math.min(...times.map(([alone]) => alone));
    seconds.upload = Math.min(...times.map(([, ours]) => ours));
    console.log(
      `  read and write / upload: ${times.map((pair) => pair.map((s) => s.toFixed(1)).join(' / ')).join(', ')} s`,
    );
    const sha256 = await page.evaluate(() => window.uploadHashed('sd15'));
    const inNode = await digestsInNode(model.folder);
    const median = ratios[Math.floor(ratios.length / 2)] as number;
    const what = `${model.weights} upload in ${name}, times reading and writing alone (median of ${ROUNDS})`;
    return [
      model.narrow ? row(what, median) : row(what, median, '≤', SLOWEST_UPLOAD),
      row('MB above idle while uploading', (peakBytes - idle.peakBytes) / 1e6, '≤', model.mostMB),
      row('buffers uploaded', Object.keys(sha256).length),
      row(
        `buffers that ${name} and Node fill differently`,
        differing(new Map(Object.entries(sha256)), inNode).length,
        '=',
        0,
      ),
    ];
  } finally {
    await close();
    await server.close();
  }
}

/** Round after round; each goes first in turn, since what comes second finds memory that was just freed. */
async function sideBySide(alone: () => Promise<number>, ours: () => Promise<number>): Promise<[number, number][]> {
  const times: [number, number][] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const early = i % 2 === 1 ? await ours() : undefined;
    const seconds = await alone();
    times.push([seconds, early ?? (await ours())]);
  }
  return times;
}

async function digestsInNode(folder: string): Promise<Map<string, string>> {
  gpu(); // brings WebGPU's constants
  const config = parseUNetConfig(JSON.parse(readFileSync(join(folder, 'unet', 'config.json'), 'utf8')));
  const plan = { config, height: 32, width: 32, rank: 0, alpha: 1, activations: 'f16', recompute: 'auto' } as const;
  const file = 'unet/diffusion_pytorch_model.fp16.safetensors';
  const source = await readSafetensors(await openAsBlob(join(folder, file)), file);
  return uploadDigests(enginePrograms(plan, 2 ** 27).weights, source);
}
