// In: a browser, how many kills. Out: runs whose browser is killed (SIGKILL) at random instants and that go on; 1 where one adapter is not bitwise the undisturbed run's.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { AutomationJob, Heard } from '../src/automation.ts';
import { type BrowserName, chooseBrowser, openBrowser } from './browser.ts';
import { buildIfStale, serve } from './build.ts';
import { root } from './packages.mjs';

const HELP = `npm run killed [-- --kills N] [--browser firefox|chromium] [--seed N]

Trains a run with class pictures and 8-bit Adam (rank 64) on the demo model once undisturbed; then again with its browser killed at N random instants,
among them while a class picture is drawn, a moment measured, a preview drawn and a save written, and taken up from the same profile each time.
  --kills    2; more than three are spread over several runs
  --seed     of the instants (1)`;

const STEPS = 24;
const MILESTONE = 6; // steps: a run is saved at each, so a kill costs no more than these
const IN_FLIGHT = 2; // steps that the GPU had taken and nobody had heard of
const KILLS_A_RUN = 3;
/** What a run is at when it is killed; the delay after that is random. */
const INSTANTS = ['class-picture', 'measuring', 'save', 'drawing', 'step'] as const;
type Instant = (typeof INSTANTS)[number];

const photos = ['01.png', '02.png', '03.png', '04.png'].map((name) => ({
  name,
  base64: readFileSync(join(root, 'public', 'samples', 'octopus', name), 'base64'),
}));
const jobOf = (runId: string): AutomationJob => ({
  ...{ runId, photos, identifier: 'aawxbc', classNoun: 'figurine', prompt: null },
  settings: {
    ...{ steps: STEPS, learningRate: 1e-3, rank: 64, optimizer: 'adamw8bit', classPictures: 2, resolution: 64 },
    ...{ previewEvery: MILESTONE, previewSteps: 2, heldOutDraws: 4, crops: 2, mirror: 'on', captionDropout: 0.1 },
  },
});

interface Session {
  /** sha256 of the adapter in diffusers' layout, f32; null: killed before it was there. */
  adapter: string | null;
  steps: number; // that were heard of
  at: string; // what it was killed at
}

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '2' },
      browser: { type: 'string' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const kills = Number(values.kills);
  if (!(Number.isInteger(kills) && kills > 0))
    throw new Error(`--kills wants a whole number above 0, not "${values.kills}"`);
  const chosen = chooseBrowser(values.browser);
  if ('missing' in chosen) throw new Error(chosen.missing);
  await buildIfStale(console.log);
  const random = randomFrom(Number(values.seed));
  const server = await serve({ port: 4191 });
  const address = new URL('automation.html', server.url).href;
  try {
    const quiet = await withProfile((profile) => session(chosen.name, address, profile, 'quiet', null, random));
    console.log(`undisturbed: ${quiet.steps} steps, adapter ${quiet.adapter?.slice(0, 16)}`);
    let failures = 0;
    for (let done = 0; done < kills; done += KILLS_A_RUN) {
      const instants = Array.from(
        { length: Math.min(KILLS_A_RUN, kills - done) },
        (_, i) => INSTANTS[(done + i) % INSTANTS.length]!,
      );
      if (!(await withProfile((profile) => killed(chosen.name, address, profile, instants, quiet, random)))) failures++;
    }
    console.log(failures === 0 ? `${kills} of ${kills} kills: bitwise the same adapter` : `${failures} runs differ`);
    return failures === 0 ? 0 : 1;
  } finally {
    await server.close();
  }
}

/** One run, killed at each of these, then let go to its end. True: the adapter is the undisturbed one's, and no more steps were taken than that costs. */
async function killed(
  name: BrowserName,
  address: string,
  profile: string,
  instants: Instant[],
  quiet: Session,
  random: () => number,
): Promise<boolean> {
  let steps = 0;
  for (const instant of instants) {
    const ended = await session(name, address, profile, 'killed', instant, random);
    steps += ended.steps;
    if (ended.adapter !== null) throw new Error(`the run was done before it could be killed at ${instant}`);
    console.log(`  killed at ${ended.at}, after ${ended.steps} steps`);
  }
  const last = await session(name, address, profile, 'killed', null, random);
  steps += last.steps;
  const most = STEPS + instants.length * (MILESTONE + IN_FLIGHT);
  const same = last.adapter === quiet.adapter;
  console.log(
    `${same ? 'the same' : 'ANOTHER'} adapter ${last.adapter?.slice(0, 16)}, ${steps} steps in all, at most ${most}`,
  );
  return same && steps >= STEPS && steps <= most;
}

/** From an opened browser to the adapter, or to the kill at `instant`. */
async function session(
  name: BrowserName,
  address: string,
  profile: string,
  runId: string,
  instant: Instant | null,
  random: () => number,
): Promise<Session> {
  const browser = await openBrowser(name, profile);
  const ended: Session = { adapter: null, steps: 0, at: '' };
  const left = instant === 'step' ? 1 + Math.floor(random() * MILESTONE) : 0; // steps until then
  let dead = false;
  const kill = new Promise<void>((resolve, reject) => {
    const hear = (heard: Heard): void => {
      if (dead) return;
      if (heard.kind === 'step') ended.steps++;
      if (!instant || ended.at || !isAt(instant, heard, ended.steps, left)) return;
      const delay = Math.floor(random() * 150);
      ended.at = `${instant}, step ${heard.step} + ${delay} ms`;
      setTimeout(() => {
        dead = true;
        browser.kill().then(resolve, reject);
      }, delay);
    };
    void browser
      .page((sentence) => dead || console.error(`page: ${sentence}`))
      .then(async (page) => {
        await page.exposeFunction('hear', hear);
        await page.goto(address);
        await page.waitForFunction(() => window.darkroom !== undefined, { timeout: 0 });
        const { files } = await page.evaluate((given) => window.darkroom.run(given), jobOf(runId));
        const bytes = Buffer.from(files['adapter.diffusers.safetensors'], 'base64');
        ended.adapter = createHash('sha256').update(bytes).digest('hex');
        resolve();
      })
      .catch((error: unknown) => {
        if (!dead) reject(error);
      });
  });
  await kill;
  if (!dead) await browser.close();
  return ended;
}

function isAt(instant: Instant, { kind, step, phase }: Heard, steps: number, left: number): boolean {
  if (instant === 'class-picture') return kind === 'class-picture';
  if (instant === 'step') return kind === 'step' && steps >= left;
  if (instant === 'save') return kind === 'held-out' && step > 0; // measured: what comes next is written
  return kind === 'progress' && phase === instant && step > 0;
}

async function withProfile<T>(work: (profile: string) => Promise<T>): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), 'darkroom-killed-'));
  try {
    return await work(profile);
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** The same instants for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
