// In: --sessions N --seed S. Out: N restless sessions with the page (a toy in the U-Net's place), and how many went well; a failed one can be run again by its seed.
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';
import { session } from '../test/monkey/session.ts';
import { buildWith, serve } from './build.ts';
import { CHROMIUM_FLAGS, findChromium } from './chromium.ts';
import { ensureChromium } from './system.ts';

const HELP = `npm run monkey [-- --sessions N --seed S]

Random drops, edits, reloads, second tabs, starts and stops in headless Chromium. Nothing that was shown as saved may be missing, the page
may not fail or freeze, and nothing may be said in the console. Steps take milliseconds: a toy stands in the U-Net's place, all else is real.
  --sessions 3  how many
  --seed 1      of the first; a failed session is run again with its own seed and --sessions 1`;
const FOLDER = '.cache/monkey';

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      sessions: { type: 'string', default: '3' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return say(HELP, 0);
  const [sessions, first] = [Number(values.sessions), Number(values.seed)];
  if (!(Number.isInteger(sessions) && sessions > 0))
    return say(`--sessions wants a whole number above 0, not "${values.sessions}"`, 2);
  if (!(Number.isSafeInteger(first) && first >= 0))
    return say(`--seed wants a whole number from 0, not "${values.seed}"`, 2);
  const missing = ensureChromium();
  if (missing) return say(missing, 2);
  console.log('Building …');
  await buildWith(FOLDER, 'src/worker/unet-engines.ts', 'test/monkey/toy-engines.ts');
  const server = await serve({ port: 4181, outDir: FOLDER });
  const executablePath = findChromium();
  const browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: CHROMIUM_FLAGS });
  let failed = 0;
  try {
    for (let seed = first; seed < first + sessions; seed++) {
      const began = Date.now();
      const { did, wrong } = await session(browser, server.url, seed);
      const took = `${Math.round((Date.now() - began) / 1000)} s`;
      if (wrong === null) console.log(`seed ${seed}: well (${did.length} acts, ${took}; ${did.at(-1)})`);
      else {
        failed += 1;
        console.log(`seed ${seed}: after ${did.length} acts, ${took}: ${wrong}\n  it did: ${did.join(' → ')}`);
      }
    }
  } finally {
    await browser.close();
    await server.close();
  }
  console.log(`\n${sessions - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

const say = (text: string, code: number): number => {
  (code === 0 ? console.log : console.error)(text);
  return code;
};
