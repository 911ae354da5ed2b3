// A device and how long it may take in; what Darkroom does on it as one block of text for an issue, seconds a step of Stable Diffusion 1.5 among it, out.
import { isSoftware, kernelsOf, rememberSpeed } from '../gpu/cards.ts';
import type { Gpu } from '../gpu/device.ts';
import { Pipelines } from '../gpu/pipelines.ts';
import type { GpuReport } from '../gpu/report.ts';
import { measureSpeed } from '../gpu/speed.ts';
import type { KernelChoice } from '../graph/op.ts';
import type { OnProgress } from '../progress.ts';
import { BenchProgram } from './bench-program.ts';
import { measureCeilings } from './ceilings.ts';
import { dispatchMs, ratesFrom } from './rates.ts';
import { ceilingLines, digits, opTable, ownTable, type Row } from './report.ts';
import { alternate } from './rounds.ts';
import { sd15Shapes } from './sd15-shapes.ts';
import { sd15Step } from './sd15-step.ts';
import { forecastStep, type Sample, sampleOf, sumMs } from './step-forecast.ts';
import type { Workload } from './workload.ts';
import { attentionWorkload, convWorkload, GEMMS, gemmWorkload, normWorkload, stepWorkload } from './workloads.ts';

export interface CardBench {
  text: string;
  /** Of a training step of Stable Diffusion 1.5 at 512 px: forecast. */
  secondsAStep: number;
}
export interface CardBenchOptions {
  signal: AbortSignal;
  /** What measuring may take, about: where it is over, only what the forecast needs is still measured, once. */
  budgetMs: number;
  onProgress: OnProgress;
}

const ROUNDS = 5;
const COMPARED: readonly (() => Workload)[] = [
  ...GEMMS.map((size) => () => gemmWorkload(size)),
  ...[convWorkload, attentionWorkload, normWorkload, stepWorkload],
];

/** Nothing else may use the device. @throws the signal's reason between two measurements. */
export async function benchCard({ device, report }: Gpu, options: CardBenchOptions): Promise<CardBench> {
  const { signal, budgetMs, onProgress } = options;
  const pipelines = new Pipelines(device);
  onProgress({ phase: 'measuring', done: 0, total: 0 });
  rememberSpeed(report, await measureSpeed(pipelines, kernelsOf(report)));
  const kernels = kernelsOf(report);
  const ceilings = await measureCeilings(device, signal);

  const begun = performance.now();
  const shapes = sd15Shapes(isSoftware(report));
  const total = shapes.length + COMPARED.length;
  const samples: Sample[] = [];
  const rows: Row[] = [];
  for (const [at, make] of [...shapes, ...COMPARED].entries()) {
    signal.throwIfAborted();
    const until = begun + (budgetMs * (at + 1)) / total;
    const shape = at < shapes.length;
    onProgress({ phase: 'measuring', done: at, total });
    const workload = make();
    const needed = shape && !samples.some(({ op }) => op === opOf(workload));
    if (!needed && performance.now() > begun + budgetMs) continue;
    const row = await timed(pipelines, kernels, workload, ceilings.emptyMs, { signal, until });
    rows.push(row);
    if (shape && row.figure) samples.push(sampleOf(workload, row.figure.median));
  }
  onProgress({ phase: 'measuring', done: total, total });
  const rates = ratesFrom(samples, await dispatchMs(pipelines, kernels, ceilings.emptyMs), ceilings.copyBytesPerMs);
  const step = forecastStep(sd15Step(kernels, device.limits.maxStorageBufferBindingSize), rates);
  const secondsAStep = sumMs(step) / 1000;
  const text = [
    `Darkroom bench`,
    adapterLines(report, kernels),
    `Ceilings: ${ceilingLines(ceilings)}`,
    ownTable(rows, ceilings),
    `A training step of Stable Diffusion 1.5 at 512 px, rank 4, forecast from these: ${digits(secondsAStep)} s`,
    opTable(step),
  ];
  return { text: text.join('\n\n'), secondsAStep };
}

const opOf = ({ graphs }: Workload): string | undefined => graphs.run?.graph.nodes[0]?.op.name;

/** One workload, its kernels named behind it. */
async function timed(
  pipelines: Pipelines,
  kernels: KernelChoice,
  { name, work, unit, graphs, values }: Workload,
  emptyMs: number,
  { signal, until }: { signal: AbortSignal; until: number },
): Promise<Row> {
  const chosen = new Set<string>();
  const gemmVariant: KernelChoice['gemmVariant'] = (...sizes) => {
    const variant = kernels.gemmVariant(...sizes);
    chosen.add(variant);
    return variant;
  };
  const program = await BenchProgram.make(pipelines, { ...kernels, gemmVariant }, graphs, values);
  try {
    const enough = (): boolean => performance.now() > until;
    const figures = await alternate([{ name, time: program.time, emptyMs }], ROUNDS, { signal, enough });
    const named = chosen.size > 0 ? `${name}: ${[...chosen].join(', ')}` : name;
    return { name: named, work, unit, candidate: 'Darkroom', figure: figures.get(name) ?? null };
  } finally {
    program.destroy();
  }
}

function adapterLines(report: GpuReport, { maxDispatchFlops, reductionThreads }: KernelChoice): string {
  const { name, kind, vendor, architecture, features, limits } = report;
  return [
    `Adapter: ${name || 'nameless'} (${[kind, vendor, architecture].filter(Boolean).join(', ')})`,
    `Features: ${features.join(' ') || 'none'}`,
    `Limits: ${Object.entries(limits)
      .map(([limit, value]) => `${limit} ${value}`)
      .join(', ')}`,
    `Kernels: a dispatch of at most ${digits(maxDispatchFlops / 1e9)} GFLOP, sums by ${reductionThreads} threads; products' beside their rows`,
  ].join('\n');
}
