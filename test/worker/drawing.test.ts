// What a picture begins with: PyTorch's noise of its seed, but for pictures of an earlier version; and what no picture is drawn with.
import { describe, expect, it } from 'vitest';
import type { Predictor } from '../../src/diffusion/generate.ts';
import type { DrawRequest } from '../../src/diffusion/picture.ts';
import { normals } from '../../src/diffusion/random.ts';
import { torchGenerator } from '../../src/diffusion/torch-random.ts';
import { checkRequest, drawLatents, tokensOf } from '../../src/worker/drawing.ts';
import { toyCanvas } from './toy-model.ts';

const { canvas } = toyCanvas();
const request: DrawRequest = {
  ...{ prompt: 'a', negativePrompt: '', seed: 11, sampler: 'ddim', steps: 3, guidance: 1 },
  ...{ adapterId: null, moment: null, strength: 0, size: 16, weights: 'f16' },
};

async function firstSample(asked: DrawRequest): Promise<Float32Array> {
  const samples: Float32Array[] = [];
  const unet: Predictor = {
    async predict({ sample }) {
      samples.push(sample);
      return sample;
    },
  };
  const text = { prompt: new Float32Array(77), negativePrompt: new Float32Array(77) };
  await drawLatents(new AbortController().signal, canvas, unet, asked, text, 0, () => {});
  expect(samples.length).toBe(3);
  return samples[0]!;
}

describe('a picture', () => {
  it('begins with PyTorch’s noise, and from an earlier version with what it had then', async () => {
    expect(await firstSample(request)).toEqual(torchGenerator(11).randn(16));
    const { sampler: _, ...earlier } = request;
    expect(await firstSample(earlier)).toEqual(normals({ seed: 11, purpose: 'picture' }, 16));
  });

  it('is not drawn by a sampler or in a number of steps that there is not', () => {
    checkRequest(request, canvas);
    for (const [setting, value] of Object.entries({ sampler: 'unipc', steps: 1000, seed: -1, size: 17 }))
      expect(() => checkRequest({ ...request, [setting]: value } as DrawRequest, canvas), setting).toThrow(
        expect.objectContaining({ code: 'bad-setting', facts: expect.objectContaining({ setting }) }),
      );
  });

  it('says how many tokens its prompts have', () => {
    expect(tokensOf({ prompt: new Float32Array(154), negativePrompt: new Float32Array(154) }, canvas)).toBe(154);
  });
});
