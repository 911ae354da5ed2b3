// Mounts the page with a project ready to train; the pictures blend two sample subjects by how much was learned, so that they are plainly fakes.
import '@fontsource-variable/instrument-sans';
import '../../src/ui/tokens.css';
import { mount } from 'svelte';
import App from '../../src/ui/App.svelte';
import type { DrawRequest, Photo } from '../../src/worker/api.ts';
import { fullBytes } from './fake-models.ts';
import { TrainingStudio } from './training-studio.ts';

const query = new URLSearchParams(location.search);
const theme = query.get('theme');
if (theme) document.documentElement.dataset.theme = theme;
const number = (name: string): number | undefined => (query.has(name) ? Number(query.get(name)) : undefined);
const load = async (path: string): Promise<Blob> => (await fetch(`/samples/${path}.png`)).blob();

const files = await Promise.all(['01', '02', '03', '04', '05', '06', '07', '08'].map((n) => load(`octopus/${n}`)));
const bear = await createImageBitmap(await load('teddy-bear/01'));
const octopus = await createImageBitmap(files[4]!);
async function picture({ seed }: DrawRequest, learned: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(128, 128);
  const context = canvas.getContext('2d')!;
  context.drawImage(bear, 0, 0, 128, 128);
  context.globalAlpha = Math.min(1, learned);
  context.drawImage(octopus, 0, 0, 128, 128);
  context.globalAlpha = 0.15;
  context.fillStyle = `hsl(${(seed * 47) % 360} 60% 50%)`;
  context.fillRect(0, 0, 128, 128);
  return canvas.convertToBlob();
}
const photos: Photo[] = files.map((file, at) => ({
  id: `p${at}`,
  name: `0${at + 1}.png`,
  file,
  reading: { width: 1024, height: 1024, thumbnail: file, fingerprint: `${at}`, flags: [] },
  crop: { x: 0.5, y: 0.5, size: 1 },
  caption: '',
  use: true,
}));
const studio = new TrainingStudio({
  delayMs: number('delay') ?? 0,
  paceMs: number('pace'),
  msPerStep: number('ms'),
  failAt: number('fail'),
  loseDeviceAt: number('lose'),
  slowAt: number('slow'),
  stillAt: number('still'),
  deaf: query.has('deaf'),
  bestAt: number('best'),
  picture,
  sketches: query.has('sketches'),
  measured: !query.has('unmeasured'),
  models: { full: query.get('full') === 'absent' ? {} : { storedBytes: fullBytes, state: 'complete' } },
  project: {
    modelId: query.get('model') ?? 'demo',
    photos: query.has('empty') ? [] : photos,
    identifier: 'aawxbc',
    classNoun: 'figurine',
    settings: { preset: query.get('preset') ?? 'balanced' },
    runId: null,
  },
});
mount(App, { target: document.getElementById('app')!, props: { studio } });
