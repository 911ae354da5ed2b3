// npm run bench: Darkroom beside other people's WebGPU on one adapter, checked and timed in turn; ceilings, Stable Diffusion 1.5's shapes, a whole step, the VAE.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Ceilings, measureCeilings } from '../src/bench/ceilings.ts';
import { dispatchMs, ratesFrom } from '../src/bench/rates.ts';
import { ceilingLines, digits, opTable, ownTable, type Row } from '../src/bench/report.ts';
import { figureOf } from '../src/bench/rounds.ts';
import { sd15Shapes } from '../src/bench/sd15-shapes.ts';
import { sd15Step } from '../src/bench/sd15-step.ts';
import { forecastStep, type OpTime, type Sample, sampleOf, sumMs } from '../src/bench/step-forecast.ts';
import { isSoftware, kernelsOf, rememberSpeed } from '../src/gpu/cards.ts';
import { requestGpu } from '../src/gpu/device.ts';
import { Pipelines } from '../src/gpu/pipelines.ts';
import { measureSpeed } from '../src/gpu/speed.ts';
import { ADAPTERS, type AdapterName, openAdapter } from './bench/adapter.ts';
import { type Bench, compare, OURS, own } from './bench/compare.ts';
import { benchInBrowser } from './bench/in-browser.ts';
import { jaxPeer } from './bench/jax.ts';
import { ortPeer } from './bench/ort.ts';
import { asInBrowser, type Peer } from './bench/peer.ts';
import { comparedTable } from './bench/ratios.ts';
import { tfjsPeer } from './bench/tfjs.ts';
import { demoStep, vae } from './bench/whole.ts';

const HELP = `npm run bench [-- --adapter A | --browser B --rounds N --only WORDS --json FILE]

Darkroom beside jax-js, TensorFlow.js and onnxruntime-web on one WebGPU adapter (Dawn in Node), through their public interfaces: products, convolution,
attention, norm and a small training step; Stable Diffusion 1.5's main shapes forward and backward (a band of each where the adapter is software), a
training step of the demo model, its VAE. Every result is checked against plain JavaScript or diffusers first: what is wrong is said and not timed.
  --adapter A    ${ADAPTERS.join(', ')}: a software one, or what the machine has (default lavapipe)
  --browser B    in place of all that: what the page's own bench, #/bench, says in a headless firefox or chromium
  --rounds N     of which the median is taken, every candidate once in each (default 5)
  --only WORDS   only rows whose name has these words in it, a regular expression
  --json FILE    all of it, for programs
Takes five to twenty minutes on software, on an idle machine. Ends with 1 where one of our own results is wrong, 2 where something is missing.`;

const DEMO_PX = { lavapipe: 256, swiftshader: 128, default: 256 };

interface Found {
  compared: Row[];
  shapes: Row[];
  whole: Row[];
  step: OpTime[];
  demo: { forecastMs: number; measuredMs: number } | null;
}

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      adapter: { type: 'string', default: 'lavapipe' },
      browser: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return told(HELP, 0);
  if (values.browser !== undefined) {
    const said = await benchInBrowser(values.browser);
    return 'missing' in said ? told(said.missing, 2) : told(said.text, 0);
  }
  const name = ADAPTERS.find((one) => one === values.adapter);
  if (!name) return told(`--adapter takes ${ADAPTERS.join(', ')}, not "${values.adapter}"`, 2);
  const rounds = Number(values.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0))
    return told(`--rounds wants a whole number, not "${values.rounds}"`, 2);
  const only = new RegExp(values.only, 'i');

  const adapter = openAdapter(name);
  if ('missing' in adapter) return told(adapter.missing, 2);
  asInBrowser(adapter.gpu);
  const { device, report } = await requestGpu(adapter.gpu);
  const pipelines = new Pipelines(device);
  rememberSpeed(report, await measureSpeed(pipelines, kernelsOf(report)));
  const ceilings = await medianCeilings(device, rounds);
  const bench: Bench = {
    ...{ pipelines, kernels: kernelsOf(report), rounds, emptyMs: ceilings.emptyMs },
    wanted: (row) => only.test(row),
    say: (line) => console.error(`… ${line}`),
  };
  const found = await all(bench, name, isSoftware(report), ceilings);

  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, load ${loadavg()[0]?.toFixed(1)}`;
  const text = written(`${report.name}, ${machine}, ${rounds} rounds`, found, ceilings);
  console.log(text);
  if (values.json) {
    const data = { adapter: report, machine, rounds, ceilings, ...found };
    writeFileSync(values.json, `${JSON.stringify(data, null, 2)}\n`);
  }
  const ours = [...found.compared.filter(({ candidate }) => candidate === OURS), ...found.shapes, ...found.whole];
  return ours.some(({ figure }) => !figure) ? 1 : 0;
}

async function all(bench: Bench, name: AdapterName, software: boolean, ceilings: Ceilings): Promise<Found> {
  const peers = await thosePresent(bench);
  const compared = await compare(bench, peers);
  const samples: Sample[] = [];
  const shapes = await own(bench, sd15Shapes(software), sd15Shapes(true), (workload, ms) =>
    samples.push(sampleOf(workload, ms)),
  );
  const whole: Row[] = [];
  let demo: Found['demo'] = null;
  const products = samples.some(({ op }) => op === 'linear');
  const msOfDispatch = products ? await dispatchMs(bench.pipelines, bench.kernels, bench.emptyMs) : 0;
  const rates = ratesFrom(samples, msOfDispatch, ceilings.copyBytesPerMs);
  if (bench.wanted('step of the demo model')) {
    bench.say('step of the demo model');
    const { rows, plans } = await demoStep(bench);
    whole.push(...rows);
    const measuredMs = rows[0]?.figure?.median;
    if (measuredMs && products) demo = { forecastMs: sumMs(forecastStep(plans, rates)), measuredMs };
  }
  if (bench.wanted('demo VAE')) {
    bench.say('demo VAE');
    whole.push(...(await vae(bench, DEMO_PX[name])));
  }
  const { maxStorageBufferBindingSize } = bench.pipelines.device.limits;
  const step = products ? forecastStep(sd15Step(bench.kernels, maxStorageBufferBindingSize), rates) : [];
  return { compared, shapes, whole, step, demo };
}

/** A peer that does not start is left out, and why is said. */
async function thosePresent({ say, wanted }: Bench): Promise<Peer[]> {
  if (!['GEMM', 'conv 3×3', 'self-attention', 'GroupNorm(32)', 'training step'].some(wanted)) return [];
  const peers: Peer[] = [];
  for (const [name, open] of [
    ['jax-js', jaxPeer],
    ['tfjs', tfjsPeer],
    ['ORT WebGPU', ortPeer],
  ] as const)
    try {
      peers.push(await open());
    } catch (error) {
      say(`${name} is left out: ${error instanceof Error ? error.message : error}`);
    }
  return peers;
}

async function medianCeilings(device: GPUDevice, rounds: number): Promise<Ceilings> {
  const measured: Ceilings[] = [];
  for (let round = 0; round < rounds; round++) measured.push(await measureCeilings(device));
  const median = (key: keyof Ceilings): number => figureOf(measured.map((one) => one[key])).median;
  return {
    flopsPerMs: median('flopsPerMs'),
    copyBytesPerMs: median('copyBytesPerMs'),
    emptyMs: median('emptyMs'),
  };
}

function written(where: string, { compared, shapes, whole, step, demo }: Found, ceilings: Ceilings): string {
  const parts = [`${where}\n\n${ceilingLines(ceilings)}`];
  if (compared.length > 0) parts.push(`Beside others, ms\n\n${comparedTable(compared, ceilings)}`);
  for (const { name, candidate, note } of compared.filter((row) => row.note !== undefined && row.note !== 'cannot'))
    parts.push(`${candidate}, ${name}: ${note}`);
  if (shapes.length > 0) parts.push(`Stable Diffusion 1.5's shapes at 512 px\n\n${ownTable(shapes, ceilings)}`);
  if (whole.length > 0) parts.push(`Whole\n\n${ownTable(whole, ceilings)}`);
  if (demo) {
    const { forecastMs, measuredMs } = demo;
    const ratio = digits(forecastMs / measuredMs);
    parts.push(
      `The demo model's step: ${digits(forecastMs)} ms forecast ÷ ${digits(measuredMs)} ms measured = ${ratio}`,
    );
  }
  if (step.length > 0)
    parts.push(
      `A step of Stable Diffusion 1.5 at 512 px, rank 4, forecast from the shapes above: ${digits(sumMs(step) / 1000)} s\n\n${opTable(step)}`,
    );
  return parts.join('\n\n');
}

function told(text: string, code: number): number {
  (code === 0 ? console.log : console.error)(text);
  return code;
}
