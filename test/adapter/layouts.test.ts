// Files in every layout that people have, most of them written by peft, diffusers and LyCORIS: read, they add what those libraries say they add.
import { beforeAll, describe, expect, it } from 'vitest';
import { readAdapter } from '../../src/adapter/read.ts';
import type { SafetensorsFile } from '../../src/files/safetensors.ts';
import type { LoraModule } from '../../src/gpu/engine-types.ts';
import { everyModule } from '../../src/worker/unet-engines.ts';
import { openSafetensors, openUNet } from '../../tools/golden-folder.ts';
import { relativeL2 } from '../../tools/golden-run.ts';

const FOLDER = 'test/golden/adapters';
let modules: readonly LoraModule[];
let expected: SafetensorsFile;
beforeAll(async () => {
  const { config, weights } = await openUNet('test/golden/unet/sd15-narrow/unet');
  modules = everyModule({ config, tensors: weights, downscale: 8, sizes: [128] });
  expected = await openSafetensors(`${FOLDER}/expected.safetensors`);
});

const nothing = { textEncoder: 0, embeddings: 0 };

describe('what each layout adds to every module', () => {
  it.each([
    ['kohya', 'attention', nothing],
    ['kohya-te1', 'attention', { textEncoder: 3, embeddings: 0 }],
    ['diffusers-old', 'attention', nothing],
    ['diffusers', 'attention', nothing],
    ['diffusers-all', 'all', nothing], // which names attention one way and everything else as peft does
    ['peft', 'all', nothing],
    ['peft-base-model', 'all', nothing],
    ['peft-default', 'all', nothing],
    ['ldm-blocks', 'all', nothing],
    ['comfyui', 'all', nothing],
    ['onetrainer-omi', 'all', { textEncoder: 1, embeddings: 1 }],
    ['onetrainer', 'all', nothing],
    ['mixed-ranks', 'mixed-ranks', nothing],
    ['locon', 'locon', nothing], // ranks 4 and 2, alphas 2 and 1, every linear layer and convolution
    ['locon-tucker', 'locon-tucker', nothing],
  ])('%s', async (layout, group, leftOut) => {
    const file = await openSafetensors(`${FOLDER}/${layout}.safetensors`);
    const read = await readAdapter(file, modules);
    expect(read.leftOut).toEqual(leftOut);
    const names = expected.keys().flatMap((key) => (key.startsWith(`${group}/`) ? [key.slice(group.length + 1)] : []));
    const checked = names.filter((name) => name !== 'noise_pred');
    expect(checked.length).toBeGreaterThan(3);
    if (layout !== 'locon') expect([...read.weights.keys()].sort()).toEqual(checked.sort());
    for (const name of checked) {
      const wanted = await expected.float32(`${group}/${name}`);
      const { down, up } = read.weights.get(name)!;
      const inFeatures = down.length / read.rank;
      const got = new Float32Array(wanted.length);
      for (let i = 0; i < got.length; i++) {
        const [o, c] = [Math.floor(i / inFeatures), i % inFeatures];
        for (let r = 0; r < read.rank; r++) got[i]! += up[o * read.rank + r]! * down[r * inFeatures + c]!;
      }
      // f16 in the file, sums in another order
      expect(relativeL2(got, wanted), name).toBeLessThan(1e-5);
    }
  });

  it('LyCORIS changes every linear layer and convolution, and so does what we read of it', async () => {
    const { weights } = await readAdapter(await openSafetensors(`${FOLDER}/locon.safetensors`), modules);
    expect([...weights.keys()].sort()).toEqual(modules.map(({ name }) => name).sort());
  });
});
