// The page's word on weights that were replaced: said of what was begun on others, and of nothing else; also of records older than the word.
import { expect, it } from 'vitest';
import { wholeAdapters, wholeRuns } from '../../src/storage/earlier.ts';
import { earlierWeights } from '../../src/ui/model/earlier-weights.ts';
import { settings } from '../training/toy-run.ts';
import { memoryAdapters, memoryRuns } from '../worker/memory-stores.ts';

const info = { name: 'Demo model', bytes: 1, resolution: 128, sizes: [128], source: 'here', licence: 'MIT' };
const open = (id: string, version: string) => ({ ...info, id, version });

it.each([
  ['begun on other weights of the same model', 'demo', 'old', true],
  ['begun on these', 'demo', 'new', false],
  ['of which nobody wrote down the weights', 'demo', undefined, false],
  ['of another model, with whatever weights', 'sd15', 'old', false],
])('what is %s', (_what, modelId, modelVersion, said) => {
  const made = { modelId, ...(modelVersion === undefined ? {} : { modelVersion }) };
  expect(earlierWeights(made, open('demo', 'new'))).toBe(said);
  expect(earlierWeights(made, null)).toBe(false);
});

it('a stored run or adapter without the word is of the demo model’s first weights, or of nobody knows which', async () => {
  const bytes = { weights: 1, arena: 1, lora: 1, staging: 1, total: 4 };
  const summary = (modelId: string) => ({
    ...{ runId: modelId, modelId, adapterId: modelId, identifier: 'aawxbc', classNoun: 'figurine', settings, step: 2 },
    ...{
      bestStep: 2,
      losses: [1, 1],
      heldOut: [],
      heldOutOn: 'training' as const,
      moments: [2],
      state: 'done' as const,
    },
    ...{ startedAt: 1, msPerStep: 1, gpuBytes: bytes, flopsPerStep: 1, dispatchesPerStep: 1 },
  });
  const adapter = (modelId: string) => ({
    ...{ adapterId: modelId, name: 'a', identifier: 'aawxbc', classNoun: 'figurine', modelId, rank: 4, alpha: 4 },
    ...{ moments: [2], bestStep: 2, createdAt: 1, fileBytes: { kohya: 1, diffusers: 1 }, photos: 1 },
  });
  const [runs, adapters] = [memoryRuns(), memoryAdapters()];
  for (const modelId of ['demo', 'sd15']) {
    await runs.save({ summary: summary(modelId), snapshot: {} as never, photos: 1 });
    await adapters.save({ ...adapter(modelId), run: summary(modelId) });
  }
  const first = '899f6be5-350a9809-dc1a8bc4';
  const listed = Object.fromEntries((await wholeRuns(runs).list()).map((run) => [run.modelId, run.modelVersion]));
  expect(listed).toEqual({ demo: first, sd15: undefined });
  expect((await wholeRuns(runs).load('demo'))!.summary.modelVersion).toBe(first);
  const made = Object.fromEntries(
    (await wholeAdapters(adapters).list()).map((one) => [one.modelId, one.run!.modelVersion]),
  );
  expect(made).toEqual({ demo: first, sd15: undefined });
  expect((await wholeAdapters(adapters).load('demo'))!.run!.modelVersion).toBe(first);
});
