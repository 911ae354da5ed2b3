// In: pairs of files IN OUT. Out: each IN (any layout) as our own reader takes it, written to OUT in diffusers' layout.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAdapter } from '../../src/adapter/read.ts';
import { writeDiffusers } from '../../src/adapter/write.ts';
import { readSafetensors } from '../../src/files/safetensors.ts';
import { root } from '../packages.mjs';
import { loraOf } from './lora-file.ts';

export async function main(args: string[]): Promise<number> {
  const golden = join(root, 'test/golden/unet/demo/lora.safetensors');
  const { modules } = await loraOf(readFileSync(golden), golden); // the demo model's modules: names and sizes
  for (let i = 0; i + 1 < args.length; i += 2) {
    const [from, to] = [args[i] as string, args[i + 1] as string];
    const { weights, rank } = await readAdapter(await readSafetensors(readFileSync(from), from), modules);
    if (weights.size !== modules.length)
      throw new Error(`${from}: ${weights.size} modules read, expected ${modules.length}`);
    writeFileSync(to, writeDiffusers(weights, modules, { rank, alpha: rank }));
  }
  return 0;
}
