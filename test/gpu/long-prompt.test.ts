// A U-Net that reads two chunks of a prompt: the same chunk twice is softmax over twice the same keys, which is what one chunk gives; another is not.
import { expect, it } from 'vitest';
import { torchGenerator } from '../../src/diffusion/torch-random.ts';
import { createEngine } from '../../src/gpu/create-engine.ts';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import { openUNet } from '../../tools/golden-folder.ts';
import { relativeL2 } from '../../tools/golden-run.ts';
import { testDevice } from './device.ts';

it('adds chunks to what cross-attention reads', async () => {
  const unet = await openUNet('public/models/demo/unet');
  const { randn } = torchGenerator(5);
  const [sample, chunk, other] = [randn(4 * 16 * 16), randn(77 * 96), randn(77 * 96)] as const;
  const answer = async (...chunks: Float32Array[]) => {
    const engine = await createEngine(await testDevice(), {
      ...{ ...unet, height: 16, width: 16, textTokens: 77 * chunks.length, rank: 0, alpha: 1 },
      ...{ activations: 'f32', recompute: 'off', kernels: kernelsFor(true) },
    });
    const encoderHiddenStates = Float32Array.from(chunks.flatMap((states) => [...states]));
    const predicted = await engine.predict({ sample, timestep: 500.25, encoderHiddenStates }, 0);
    await expect(engine.predict({ sample, timestep: 500, encoderHiddenStates: sample }, 0)).rejects.toThrow('expected');
    engine.destroy();
    return predicted;
  };
  const once = await answer(chunk);
  expect(relativeL2(await answer(chunk, chunk), once)).toBeLessThan(1e-5); // f32 rounding of sums over twice as many
  expect(relativeL2(await answer(chunk, other), once)).toBeGreaterThan(1e-3);
});
