// In: --rounds N. Out: how long Firefox takes for thirty steps, their measuring and two pictures, as it is and without the nudging of waits; 1 where that saves less than a tenth.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { AutomationJob } from '../src/automation.ts';
import { chooseBrowser, openBrowser } from './browser.ts';
import { buildIfStale, buildWith, serve } from './build.ts';
import { root } from './packages.mjs';

const HELP = `npm run firefox:pace [-- --rounds N]

Times the whole way in Firefox on an idle machine, round after round: the page as it is, and with waits that are not nudged (src/gpu/waits.ts).`;
const BAR = 0.9;
const PATIENT = '.cache/patient-page';

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: 'string', default: '3' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const browser = chooseBrowser('firefox');
  if ('missing' in browser) throw new Error(browser.missing);
  await buildIfStale(console.log);
  await buildWith(PATIENT, 'src/gpu/waits.ts', 'tools/firefox-pace/patient-waits.ts');
  await timed('dist'); // drivers compile kernels when they first see them
  const ratios: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const patient = await timed(PATIENT);
    const nudged = await timed('dist');
    ratios.push(nudged / patient);
    console.log(
      `${patient.toFixed(1)} s without nudging, ${nudged.toFixed(1)} s with it: × ${(nudged / patient).toFixed(3)}`,
    );
  }
  const median = ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)] as number;
  console.log(`median × ${median.toFixed(3)}, bar ${BAR}`);
  return median <= BAR ? 0 : 1;
}

/** Seconds of a run in a fresh browser, from the opened page to the files. */
async function timed(outDir: string): Promise<number> {
  const folder = join(root, 'public', 'samples', 'octopus');
  const photos = ['01.png', '02.png', '03.png'].map((name) => ({
    name,
    base64: readFileSync(join(folder, name), 'base64'),
  }));
  const job: AutomationJob = {
    ...{ photos, identifier: 'aawxbc', classNoun: 'figurine', prompt: 'a photo of aawxbc figurine' },
    settings: { steps: 30, heldOutDraws: 32 },
  };
  const server = await serve({ port: 4189, outDir });
  const { page: newPage, close } = await openBrowser('firefox');
  try {
    const page = await newPage((sentence) => console.error(`page: ${sentence}`));
    await page.goto(new URL('automation.html', server.url).href);
    await page.waitForFunction(() => window.darkroom !== undefined);
    const began = performance.now();
    await page.evaluate((given) => window.darkroom.run(given), job);
    return (performance.now() - began) / 1000;
  } finally {
    await close();
    await server.close();
  }
}
