// In: a suite's name (node, gpu, firefox, e2e), or none for all. Out: the suites run, what they need installed, and one closing line `N passed, N failed`.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildIfStale } from './build.ts';
import { root } from './packages.mjs';
import { ensureChromium, ensureFirefox, ensureVulkan } from './system.ts';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}
interface Suite {
  /** Installs what it needs. A sentence: it cannot be run here, and why. */
  prepare(): Promise<string | undefined>;
  run(part: Part): Promise<Count>;
}
interface Part {
  name: string;
  report: string; // a file for the runner's own report
  filters: string[];
}

const HELP = `npm test [-- node|gpu|firefox|e2e [FILTER…]]

node     everything that needs no GPU
gpu      the engine on Dawn, on a software GPU unless DARKROOM_ICD names another Vulkan driver
firefox  the page in Firefox (FIREFOX names its program), and its numbers against Chromium's
e2e      the page in Chromium (CHROMIUM names its program)

Without a name the browsers run beside the rest; what times the page (@timed) comes last and alone.`;

/** With CI=true nothing may be left out: a skipped test or a missing adapter is a failure. */
const strict = process.env.CI === 'true';
const bin = (tool: string) => join(root, 'node_modules', '.bin', process.platform === 'win32' ? `${tool}.cmd` : tool);
const TIMED = '@timed';

const e2e = (which: string[]): Suite => ({
  async prepare() {
    const missing = ensureChromium();
    if (missing) return missing;
    await buildIfStale(console.log);
  },
  async run({ name, report, filters }) {
    const words = ['test', '--reporter=list,json', '--pass-with-no-tests', ...which, ...filters];
    const status = await run(name, 'playwright', words, { PLAYWRIGHT_JSON_OUTPUT_FILE: report });
    return playwrightCount(report, status);
  },
});
const SUITES = {
  node: { prepare: async () => undefined, run: (part) => vitest('node', part) },
  gpu: {
    async prepare() {
      const missing = ensureVulkan();
      const words = ['tools/run.mjs', 'tools/adapter.ts'];
      const adapter = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
      if (adapter.status !== 0) return missing ?? 'Dawn found no WebGPU adapter on this machine.';
      console.log(`GPU: ${adapter.stdout.trim()}`);
    },
    run: (part) => vitest('gpu', part),
  },
  firefox: {
    async prepare() {
      const missing = ensureFirefox() ?? ensureChromium();
      if (missing) return missing;
      await buildIfStale(console.log);
    },
    run: (part) => vitest('firefox', part),
  },
  e2e: e2e([`--grep-invert=${TIMED}`]),
  'e2e, timed': e2e([`--grep=${TIMED}`]),
} satisfies Record<string, Suite>;
type Name = keyof typeof SUITES;

/** Rounds come one after another; the lanes of a round run side by side, and what is in a lane one after another. */
const ALL: Name[][][] = [
  [
    ['node', 'gpu'],
    ['e2e', 'firefox'],
  ],
  [['e2e, timed']],
];
const ALONE: Record<string, Name[][][]> = {
  node: [[['node']]],
  gpu: [[['gpu']]],
  firefox: [[['firefox']]],
  e2e: [[['e2e', 'e2e, timed']]],
};

export async function main(args: string[]): Promise<number> {
  const [only, ...filters] = args;
  if (only === '--help' || only === '-h') {
    console.log(HELP);
    return 0;
  }
  const rounds = only === undefined ? ALL : ALONE[only];
  if (!rounds) throw new Error(`there is no suite "${only}": ${Object.keys(ALONE).join(', ')}`);
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-test-'));
  const counts: Count[] = [];
  try {
    const missing = new Map<Name, string | undefined>();
    for (const name of rounds.flat(2)) missing.set(name, await SUITES[name].prepare()); // in turn: apt takes one at a time
    for (const lanes of rounds)
      await Promise.all(
        lanes.map(async (lane) => {
          for (const name of lane) counts.push(await suite(name, missing.get(name), folder, filters));
        }),
      );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const sum = (of: keyof Count) => counts.reduce((all, count) => all + count[of], 0);
  const failed = sum('failed') + (strict ? sum('skipped') : 0);
  const skipped = !strict && sum('skipped') > 0 ? `, ${sum('skipped')} skipped` : '';
  console.log(`\n${sum('passed')} passed, ${failed} failed${skipped}`);
  return failed === 0 && sum('passed') > 0 ? 0 : 1;
}

async function suite(name: Name, missing: string | undefined, folder: string, filters: string[]): Promise<Count> {
  if (missing) {
    console.log(`── ${name} is left out: ${missing}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const began = Date.now();
  console.log(`── ${name} begins`);
  const count = await SUITES[name].run({ name, report: join(folder, `${name}.json`), filters });
  const { passed, failed, skipped } = count;
  const said = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  console.log(`── ${name}: ${said}, ${Math.round((Date.now() - began) / 1000)} s`); // not alone on its line: that is the last one's
  return count;
}

async function vitest(project: string, { name, report, filters }: Part): Promise<Count> {
  const status = await run(name, 'vitest', [
    ...['run', '--project', project],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ...filters,
  ]);
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(readFileSync(report, 'utf8')) as VitestReport;
  // A file that cannot be loaded has no tests to count, an error outside any test neither: each is one failure.
  const broken = result.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed'),
  );
  const failed = result.numFailedTests + broken.length;
  return {
    passed: result.numPassedTests,
    failed: failed === 0 && status !== 0 ? 1 : failed,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}
interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

function playwrightCount(report: string, status: number | null): Count {
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const { stats } = JSON.parse(readFileSync(report, 'utf8')) as {
    stats: { expected: number; unexpected: number; flaky: number; skipped: number };
  };
  const failed = stats.unexpected + stats.flaky;
  return { passed: stats.expected, failed: failed === 0 && status !== 0 ? 1 : failed, skipped: stats.skipped };
}

/** Runs one of our packages' programs, each of its lines with the suite's name in front: two of them talk at a time. */
async function run(name: string, tool: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(bin(tool), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => console.log(`${name} │ ${line}`));
  return new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
}
