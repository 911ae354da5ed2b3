// npm run golden -- DIR… [--activations f16|f32] [--out DIR] [--json FILE]: runs U-Net goldens on the engine (Dawn) and compares.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeSafetensors } from '../src/files/safetensors.ts';
import { testDevice } from './dawn.ts';
import { openGolden } from './golden-folder.ts';
import { compare, runGolden } from './golden-run.ts';

const HELP = `npm run golden -- DIR… [--activations f16|f32] [--out DIR] [--json FILE]

Runs each folder (unet/, lora.safetensors, inputs.safetensors[, expected.safetensors]; see test/golden/README.md) on the engine, writes
OUT/<name>/actual.safetensors (noise_pred, loss, grad.<LoRA key>), prints rel. L2 per tensor and exits 1 past the bars.
  --activations f16|f32   how activations are stored (default f32)
  --out DIR               where actual.safetensors go (default golden-output)
  --json FILE             the same numbers as JSON`;

export async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      activations: { type: 'string', default: 'f32' },
      out: { type: 'string', default: 'golden-output' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const { activations } = values;
  if (values.help || positionals.length === 0 || (activations !== 'f16' && activations !== 'f32')) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const device = await testDevice();
  const report: Record<string, unknown> = {};
  let failed = 0;
  for (const dir of positionals) {
    const golden = await openGolden(dir);
    const actual = await runGolden(device, golden, activations);
    const out = join(values.out, golden.name);
    await mkdir(out, { recursive: true });
    const tensors = actual.map(({ key, shape, values: data }) => ({ name: key, dtype: 'F32' as const, shape, data }));
    await writeFile(join(out, 'actual.safetensors'), writeSafetensors(tensors, { activations }));
    const rows = await compare(golden, actual, activations);
    const broken = actual.filter((a) => a.values.some((v) => !Number.isFinite(v))).map((a) => a.key);
    const past = rows.filter((r) => !r.passed);
    failed += past.length + broken.length;
    console.log(
      `\n${golden.name} (${activations}): ${golden.expected ? `${rows.length - past.length} of ${rows.length} within their bars` : 'no expected.safetensors'}`,
    );
    for (const r of rows)
      console.log(`${r.passed ? '  ' : '✗ '}${r.relL2.toExponential(2)}  ≤ ${r.bar.toExponential(0)}  ${r.key}`);
    for (const key of broken) console.log(`✗ ${key} holds NaN or Inf`);
    report[golden.name] = {
      activations,
      errors: Object.fromEntries(
        rows.map((r) => [r.key, { relL2: Number.isNaN(r.relL2) ? null : r.relL2, bar: r.bar, passed: r.passed }]),
      ),
      broken,
    };
  }
  if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  return failed > 0 ? 1 : 0;
}
