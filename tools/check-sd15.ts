// npm run check:sd15: Stable Diffusion 1.5 at full size through the app's own loader and engine, held against diffusers + peft. See --help.
import { writeFile } from 'node:fs/promises';
import { againstDiffusers, againstF16, type Row, sizeRows } from './check-sd15/bars.ts';
import { encodersCheck } from './check-sd15/encoders.ts';
import { load } from './check-sd15/load.ts';
import { type Measured, measure } from './check-sd15/measure.ts';
import { HELP, type Options, readOptions } from './check-sd15/options.ts';
import { checkpoint, reference } from './check-sd15/prepare.ts';
import { testDevice } from './dawn.ts';

export async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if (!options) {
    console.log(HELP);
    return 0;
  }
  const { rows, report } = options.encoders ? await encodersOnly(options) : await unetCheck(options);
  console.log(rows.map(line).join('\n'));
  if (options.json) await writeFile(options.json, `${JSON.stringify({ ...report, rows }, null, 2)}\n`);
  const failed = rows.filter((r) => !r.passed).length;
  console.log(`${rows.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

async function unetCheck(options: Options): Promise<{ rows: Row[]; report: object }> {
  const folder = checkpoint(options);
  const wanted = await reference(options);
  const seconds: Record<string, number> = {};
  const model = await load(options, folder, seconds);
  const run = (weights: Options['weights'], o: Options): Promise<Measured> => {
    console.log(`${weights} weights, ${o.activations} activations, ${o.size}²`);
    return testDevice().then((device) => measure(device, model, wanted, o, weights, seconds));
  };
  const f16 = options.weights === 'int8' ? await run('f16', { ...options, steps: 0 }) : undefined;
  const measured = await run(options.weights, options);
  const { rows, errors } = await againstDiffusers(measured, options, wanted);
  const { parameters, dispatches, bytes, flops, loss, sha256, stepLosses } = measured;
  return {
    rows: [...sizeRows(measured, options, wanted), ...rows, ...(f16 ? againstF16(measured, f16, options) : [])],
    report: {
      ...{ options, parameters, dispatches, bytes, flops, loss, stepLosses, errors, seconds },
      reference: wanted.facts,
      sha256: Object.fromEntries(sha256),
    },
  };
}

/** The encoders run in WASM: no GPU is asked. */
async function encodersOnly(options: Options): Promise<{ rows: Row[]; report: object }> {
  const folder = checkpoint(options);
  const wanted = await reference(options);
  const seconds: Record<string, number> = {};
  const model = await load(options, folder, seconds);
  const { rows, ...found } = await encodersCheck(model, wanted, seconds);
  return { rows, report: { options, ...found, seconds, reference: wanted.facts } };
}

function line({ what, got, bar, passed }: Row): string {
  const shown = (value: number): string =>
    Number.isInteger(value) ? value.toLocaleString('en') : value < 0.1 ? value.toExponential(2) : value.toFixed(6);
  return `${passed ? '  ' : '✗ '}${what.padEnd(52)} ${shown(got).padStart(18)}${bar ? `  ${bar.is} ${shown(bar.value)}` : ''}`;
}
