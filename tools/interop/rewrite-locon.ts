// In: --out DIR. Out: the golden LoCon (LyCORIS's, of the narrow Stable Diffusion 1.5) as we read it and write it again: DIR/{F16,BF16,F32}.safetensors in
// kohya's layout and DIR/diffusers.safetensors.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readAdapter } from '../../src/adapter/read.ts';
import { writeDiffusers, writeKohya } from '../../src/adapter/write.ts';
import { everyModule } from '../../src/worker/unet-engines.ts';
import { openSafetensors, openUNet } from '../golden-folder.ts';
import { root } from '../packages.mjs';

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { out: { type: 'string' } } });
  if (!values.out) throw new Error('rewrite-locon wants --out DIR');
  const golden = join(root, 'test/golden');
  const { config, weights: tensors } = await openUNet(join(golden, 'unet/sd15-narrow/unet'));
  const all = everyModule({ config, tensors, downscale: 8, sizes: [128] });
  const file = await openSafetensors(join(golden, 'adapters/locon.safetensors'));
  const { weights, modules, rank } = await readAdapter(file, all);
  const scale = { rank, alpha: rank };
  mkdirSync(values.out, { recursive: true });
  for (const numbers of ['F16', 'BF16', 'F32'] as const)
    writeFileSync(
      join(values.out, `${numbers}.safetensors`),
      await writeKohya(weights, modules, scale, { ss_network_dim: String(rank), title: 'LoCon' }, numbers),
    );
  writeFileSync(join(values.out, 'diffusers.safetensors'), writeDiffusers(weights, modules, scale));
  return 0;
}
