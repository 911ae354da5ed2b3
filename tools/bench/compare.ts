// The workloads that others can do too, and the peers in; each candidate's rows, checked against plain JavaScript and timed in turn, out.
import { BenchProgram } from '../../src/bench/bench-program.ts';
import type { Row } from '../../src/bench/report.ts';
import { alternate, type Candidate } from '../../src/bench/rounds.ts';
import type { Workload } from '../../src/bench/workload.ts';
import {
  attentionWorkload,
  convWorkload,
  GEMMS,
  gemmWorkload,
  normWorkload,
  stepWorkload,
} from '../../src/bench/workloads.ts';
import type { Pipelines } from '../../src/gpu/pipelines.ts';
import type { KernelChoice } from '../../src/graph/op.ts';
import type { Compared, Kind, Peer, Prepared } from './peer.ts';
import { type Expected, expectedOf, withForward, wrong } from './plain.ts';

export const OURS = 'Darkroom';
/** For compiling and one run: kernels with workgroup memory compile for minutes on lavapipe where other jobs run. */
const PATIENCE_MS = 600_000;
const COMPARED: readonly (readonly [Kind, () => Workload])[] = [
  ...GEMMS.map((size) => ['gemm', () => gemmWorkload(size)] as const),
  ['conv', convWorkload],
  ['attention', attentionWorkload],
  ['norm', normWorkload],
  ['step', stepWorkload],
];

export interface Bench {
  pipelines: Pipelines;
  kernels: KernelChoice;
  rounds: number;
  /** A wait for nothing, ms. */
  emptyMs: number;
  wanted(name: string): boolean;
  say(line: string): void;
}

/** Row after row of every workload: ours, then the peers'. */
export async function compare(bench: Bench, peers: readonly Peer[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [kind, make] of COMPARED) {
    const workload = make();
    if (!bench.wanted(workload.name)) continue;
    const compared = { kind, workload };
    const expected = expectedOf(workload);
    const candidates: Checked[] = [];
    for (const peer of [ours(bench), ...peers]) {
      bench.say(`${workload.name}: ${peer.name}`);
      candidates.push(await prepared(peer, compared, expected));
    }
    rows.push(...(await timed(bench, workload, candidates)));
  }
  return rows;
}

/** Ours alone: whole shapes are timed, and checked by a band of each, since plain JavaScript takes long. */
export async function own(
  bench: Bench,
  shapes: readonly (() => Workload)[],
  bands: readonly (() => Workload)[],
  onTimed: (workload: Workload, ms: number) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [at, make] of shapes.entries()) {
    const workload = make();
    if (!bench.wanted(workload.name)) continue;
    bench.say(workload.name);
    const band = withForward((bands[at] as () => Workload)());
    const checked = await prepared(ours(bench), { kind: 'gemm', workload: band }, expectedOf(band));
    const whole =
      checked.prepared && band.name !== workload.name ? await ourProgram(bench, workload) : checked.prepared;
    const found = await timed(bench, workload, [{ ...checked, prepared: whole }]);
    if (whole !== checked.prepared) checked.prepared?.destroy();
    if (found[0]?.figure) onTimed(workload, found[0].figure.median);
    rows.push(...found);
  }
  return rows;
}

interface Checked {
  name: string;
  prepared: Prepared | null;
  note?: string;
}

/** Made and checked: one that fails or is wrong says why and is not timed. */
async function prepared(peer: Peer, compared: Compared, expected: Expected): Promise<Checked> {
  const { name } = peer;
  try {
    return await inTime(async () => {
      const made = await peer.prepare(compared);
      if (!made) return { name, prepared: null, note: 'cannot' };
      const problem = wrong(await made.results(), expected);
      if (!problem) return { name, prepared: made };
      made.destroy();
      return { name, prepared: null, note: `wrong: ${problem}` };
    });
  } catch (error) {
    return { name, prepared: null, note: `failed: ${error instanceof Error ? error.message : error}` };
  }
}

/** Somebody who never answers must not end the bench's answers. */
async function inTime<T>(work: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function timed(bench: Bench, { name, work, unit }: Workload, all: readonly Checked[]): Promise<Row[]> {
  const candidates = all.flatMap(({ name: candidate, prepared: made }): Candidate[] =>
    made ? [{ name: candidate, time: made.time, emptyMs: bench.emptyMs }] : [],
  );
  const figures = await alternate(candidates, bench.rounds);
  for (const { prepared: made } of all) made?.destroy();
  return all.map(({ name: candidate, note }) => ({
    ...{ name, work, unit, candidate, figure: figures.get(candidate) ?? null },
    ...(note !== undefined && { note }),
  }));
}

/** Our own ops and programs, as a candidate like the others. */
const ours = (bench: Bench): Peer => ({ name: OURS, prepare: ({ workload }) => ourProgram(bench, workload) });

async function ourProgram({ pipelines, kernels }: Bench, { graphs, values, results }: Workload): Promise<Prepared> {
  const program = await BenchProgram.make(pipelines, kernels, graphs, values);
  return {
    time: program.time,
    async results() {
      const read = new Map<string, Float32Array>();
      for (const plan of Object.keys(graphs)) {
        await program.run(plan);
        for (const result of results)
          if (result.plan === plan) read.set(result.name, await program.read(result.tensor));
      }
      return read;
    },
    destroy: () => program.destroy(),
  };
}
