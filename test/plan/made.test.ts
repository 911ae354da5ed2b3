// The hash of a run's kernels: the same for the same kernels, however often and in whatever pieces they run; another where one is another.
import { expect, test } from 'vitest';
import { chosenBy } from '../../src/gpu/cards.ts';
import { enginePrograms } from '../../src/gpu/engine-plan.ts';
import { shadersHash } from '../../src/gpu/made.ts';
import { openUNet } from '../../tools/golden-folder.ts';

test('one hash for the same kernels, recomputed or in pieces; another for others', async () => {
  const { config } = await openUNet('test/golden/unet/two-levels/unet');
  const optimizer = {
    learningRates: Float32Array.of(1),
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    clip: 1,
  };
  const hash = (software: boolean, maxDispatchFlops: number, recompute: 'on' | 'off', activations: 'f32' | 'f16') => {
    const kernels = chosenBy({ software, maxDispatchFlops });
    const shape = { config, height: 16, width: 16, rank: 4, alpha: 4 };
    return shadersHash(enginePrograms({ ...shape, activations, recompute, kernels, optimizer }, 2 ** 27));
  };
  const one = await hash(true, 1e9, 'off', 'f32');
  expect(one).toMatch(/^[0-9a-f]{16}$/);
  expect(await hash(true, 1e9, 'on', 'f32')).toBe(one);
  expect(await hash(true, 1e7, 'off', 'f32')).toBe(one);
  expect(await hash(true, 1e9, 'off', 'f16')).not.toBe(one);
  expect(await hash(false, 1e9, 'off', 'f32')).not.toBe(one);
}, 60_000); // five plans
