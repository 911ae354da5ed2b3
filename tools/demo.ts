// In: photos, a name, a few settings. Out: demo-output/: an adapter in both layouts, pictures without and with it, and the evidence, made by the page in Firefox or Chromium.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { AutomationJob, AutomationResult } from '../src/automation.ts';
import { optimizers, schedules, targets } from '../src/training/settings.ts';
import { type BrowserName, chooseBrowser, openBrowser } from './browser.ts';
import { buildIfStale, replaceModel, serve } from './build.ts';
import { root } from './packages.mjs';

const HELP = `npm run demo -- [--photos DIR] [--model DIR] [--identifier W] [--class W] [--prompt P] [--steps N] [--lr X] [--rank N] [--seed N]
                    [--optimizer adamw8bit] [--targets NAME] [--schedule NAME] [--warmup N] [--prior N] [--out DIR] [--browser B]

Trains an adapter with the page itself, in a headless browser on software WebGPU: no GPU is needed.
  --photos      a folder of pictures (public/samples/octopus)
  --model       a model folder in diffusers' layout, in place of the demo model
  --identifier  a word that the model does not know (aawxbc)
  --class       what kind of thing it is (figurine)
  --prompt      of the picture without and with the adapter (the name on a blue background)
  --steps       300, or 600 where a step is quick; --lr 2e-3  --rank 8  --seed 42: as the page has them
  --optimizer   adamw, or adamw8bit; --schedule constant, cosine, … as diffusers names them; --warmup its steps
  --targets     what learns: attention, linears (every linear layer) or locon (convolutions too)
  --prior       so many class pictures, drawn by the model first (0)
  --out         where the files go (demo-output)
  --browser     firefox or chromium; the faster of those that this machine has or may install, which is Firefox on lavapipe`;
const PICTURE = new Set(['.png', '.jpg', '.jpeg', '.webp', '.avif', '.gif', '.bmp']);

export async function main(args: string[]): Promise<number> {
  const began = Date.now();
  const { values } = parseArgs({
    args,
    options: {
      photos: { type: 'string', default: join(root, 'public', 'samples', 'octopus') },
      model: { type: 'string' },
      identifier: { type: 'string', default: 'aawxbc' },
      class: { type: 'string', default: 'figurine' },
      prompt: { type: 'string' },
      steps: { type: 'string' },
      lr: { type: 'string' },
      rank: { type: 'string' },
      seed: { type: 'string' },
      optimizer: { type: 'string' },
      targets: { type: 'string' },
      schedule: { type: 'string' },
      warmup: { type: 'string' },
      prior: { type: 'string' },
      out: { type: 'string', default: join(root, 'demo-output') },
      browser: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return print(HELP);
  const wrong = (sentence: string) => print(sentence, 2);

  const [identifier, classNoun] = [values.identifier.trim(), values.class.trim()];
  const prompt = values.prompt?.trim() ?? `a photo of ${identifier} ${classNoun} on a blue background`;
  const job: AutomationJob = { photos: [], identifier, classNoun, prompt, settings: {} };
  const wants = [
    ['steps', 'steps', positive, 'a whole number above 0'],
    ['rank', 'rank', positive, 'a whole number above 0'],
    ['lr', 'learningRate', (n: number) => n > 0 && n < 1, 'a number between 0 and 1'],
    ['warmup', 'warmupSteps', counted, 'a whole number from 0'],
    ['prior', 'classPictures', counted, 'a whole number from 0'],
    ['seed', 'seed', (n: number) => Number.isSafeInteger(n) && n >= 0, 'a whole number from 0'],
  ] as const;
  for (const [option, setting, is, what] of wants) {
    const given = values[option];
    if (given === undefined) continue;
    if (given.trim() === '' || !is(Number(given))) return wrong(`--${option} wants ${what}, not "${given}"`);
    job.settings[setting] = Number(given);
  }
  const { optimizer, schedule, targets: learns } = values;
  if (learns !== undefined) {
    if (!oneOf(targets, learns)) return wrong(`--targets wants one of ${targets.join(', ')}, not "${learns}"`);
    job.settings.targets = learns;
  }
  if (optimizer !== undefined) {
    if (!oneOf(optimizers, optimizer)) return wrong(`--optimizer wants ${optimizers.join(' or ')}, not "${optimizer}"`);
    job.settings.optimizer = optimizer;
  }
  if (schedule !== undefined) {
    if (!oneOf(schedules, schedule)) return wrong(`--schedule wants one of ${schedules.join(', ')}, not "${schedule}"`);
    job.settings.schedule = schedule;
  }
  if (job.identifier === '') return wrong('--identifier wants a word');
  if (job.classNoun === '') return wrong('--class wants a word');

  const folder = resolve(values.photos);
  if (!isFolder(folder)) return wrong(`--photos wants a folder; there is none at ${folder}`);
  const names = readdirSync(folder)
    .filter((name) => PICTURE.has(extname(name).toLowerCase()))
    .sort();
  if (names.length === 0) return wrong(`there is no picture (${[...PICTURE].join(' ')}) in ${folder}`);
  job.photos = names.map((name) => ({ name, base64: readFileSync(join(folder, name)).toString('base64') }));
  const model = values.model === undefined ? undefined : resolve(values.model);
  if (model && !existsSync(join(model, 'unet', 'config.json')))
    return wrong(`--model wants a folder with unet/config.json; there is none in ${model}`);

  const browser = chooseBrowser(values.browser);
  if ('missing' in browser) return wrong(browser.missing);
  await buildIfStale(console.log);
  const result = await drive(browser.name, job, model);

  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  for (const [name, base64] of Object.entries(result.files))
    writeFileSync(join(out, name), Buffer.from(base64, 'base64'));
  const report = reportOf(result, job);
  writeFileSync(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  const { base, adapted, heldOutOn } = report.heldOutLoss;
  console.log(
    `\nHeld-out loss ${base.toFixed(5)} → ${adapted.toFixed(5)} (× ${(adapted / base).toFixed(3)}, ${heldOutOn}), ${report.msPerStep.toFixed(0)} ms a step, ${Math.round((Date.now() - began) / 1000)} s in all`,
  );
  console.log(`Written to ${out}: ${[...Object.keys(result.files), 'report.json'].join(', ')}`);
  return 0;
}

async function drive(name: BrowserName, job: AutomationJob, model: string | undefined): Promise<AutomationResult> {
  const server = await serve({ port: 4180, ...(model === undefined ? {} : { replace: replaceModel(model) }) });
  const began = Date.now();
  const say = (line: string) =>
    console.log(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${line}`);
  const { browser, page: newPage, close } = await openBrowser(name);
  try {
    say(`Browser: ${await browser.version()}`);
    const page = await newPage((sentence) => console.error(`page: ${sentence}`));
    await page.exposeFunction('say', say);
    await page.goto(new URL('automation.html', server.url).href);
    await page.waitForFunction(() => window.darkroom !== undefined, { timeout: 0 });
    return await page.evaluate((given) => window.darkroom.run(given), job);
  } finally {
    await close();
    await server.close();
  }
}

function reportOf({ gpu, summary, photosUsed }: AutomationResult, job: AutomationJob) {
  const at = (step: number): number => {
    const measured = summary.heldOut.find((m) => m.step === step);
    if (!measured)
      throw new Error(
        `held-out loss at step ${step} is missing; there is ${summary.heldOut.map((m) => m.step).join(', ')}`,
      );
    return measured.loss;
  };
  return {
    adapter: gpu.name,
    steps: summary.step,
    msPerStep: summary.msPerStep,
    losses: summary.losses,
    heldOutLoss: { base: at(0), adapted: at(summary.step), heldOutOn: summary.heldOutOn },
    gpuBytes: summary.gpuBytes,
    flopsPerStep: summary.flopsPerStep,
    dispatchesPerStep: summary.dispatchesPerStep,
    seed: summary.settings.seed,
    identifier: job.identifier,
    classNoun: job.classNoun,
    prompt: job.prompt,
    learningRate: summary.settings.learningRate,
    rank: summary.settings.rank,
    targets: summary.settings.targets,
    optimizer: summary.settings.optimizer,
    schedule: summary.settings.schedule,
    classPictures: summary.settings.classPictures,
    photos: photosUsed,
  };
}

const oneOf = <V extends string>(options: readonly V[], given: string): given is V =>
  (options as readonly string[]).includes(given);
const counted = (n: number) => Number.isInteger(n) && n >= 0;
const positive = (n: number) => Number.isInteger(n) && n > 0;
const isFolder = (path: string) => existsSync(path) && statSync(path).isDirectory();
function print(text: string, code = 0): number {
  (code === 0 ? console.log : console.error)(text);
  return code;
}
