// In: a suite's name (node, gpu, e2e), or none for all. Out: the suites run, what they need installed, and one closing line `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildIfStale } from './build.ts';
import { root } from './packages.mjs';
import { ensureChromium, ensureVulkan } from './system.ts';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}
type Suite = (report: string, filters: string[]) => Promise<Count>;

const HELP = `npm test [-- node|gpu|e2e [FILTER…]]

node   everything that needs no GPU
gpu    the engine on Dawn, on a software GPU unless DARKROOM_ICD names another Vulkan driver
e2e    the page in Chromium (CHROMIUM names its program)`;

/** With CI=true nothing may be left out: a skipped test or a missing adapter is a failure. */
const strict = process.env.CI === 'true';
const bin = (tool: string) => join(root, 'node_modules', '.bin', process.platform === 'win32' ? `${tool}.cmd` : tool);

const SUITES: Record<string, Suite> = {
  node: async (report, filters) => vitest('node', report, filters),
  gpu: async (report, filters) => {
    const missing = ensureVulkan();
    const adapter = spawnSync(process.execPath, ['tools/run.mjs', 'tools/adapter.ts'], { cwd: root, encoding: 'utf8' });
    if (adapter.status !== 0) return leftOut(missing ?? 'Dawn found no WebGPU adapter on this machine.');
    console.log(`GPU: ${adapter.stdout.trim()}`);
    return vitest('gpu', report, filters);
  },
  e2e: async (report, filters) => {
    const missing = ensureChromium();
    if (missing) return leftOut(missing);
    await buildIfStale(console.log);
    const { status } = run('playwright', ['test', '--reporter=list,json', ...filters], {
      PLAYWRIGHT_JSON_OUTPUT_FILE: report,
    });
    return playwrightCount(report, status);
  },
};

export async function main(args: string[]): Promise<number> {
  const [only, ...filters] = args;
  if (only === '--help' || only === '-h') {
    console.log(HELP);
    return 0;
  }
  const names = only === undefined ? Object.keys(SUITES) : [only];
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-test-'));
  const sum: Count = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (const name of names) {
      const suite = SUITES[name];
      if (!suite) throw new Error(`there is no suite "${name}": ${Object.keys(SUITES).join(', ')}`);
      const began = Date.now();
      console.log(`\n── ${name}`);
      const count = await suite(join(folder, `${name}.json`), filters);
      if (strict && count.skipped > 0)
        console.log(`${count.skipped} tests of ${name} were skipped; with CI=true that is a failure.`);
      sum.passed += count.passed;
      sum.failed += count.failed + (strict ? count.skipped : 0);
      sum.skipped += strict ? 0 : count.skipped;
      console.log(`── ${name}: ${Math.round((Date.now() - began) / 1000)} s`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : '';
  console.log(`\n${sum.passed} passed, ${sum.failed} failed${skipped}`);
  return sum.failed === 0 && sum.passed > 0 ? 0 : 1;
}

function leftOut(sentence: string): Count {
  console.log(`Left out: ${sentence}`);
  return { passed: 0, failed: 0, skipped: 1 };
}

function vitest(project: string, report: string, filters: string[]): Count {
  const { status } = run('vitest', [
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
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

function run(tool: string, args: string[], env: Record<string, string> = {}) {
  return spawnSync(bin(tool), args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  });
}
