// One engine for runs and pictures: which adapter it carries, whose weights come back, what is destroyed when.
import { describe, expect, it } from 'vitest';
import { fitAdapter } from '../../src/adapter/fit.ts';
import type { LoraWeights, TrainingState, UNetEngine } from '../../src/gpu/engine-types.ts';
import { type EngineSpec, engineRoom, type LoadedAdapter } from '../../src/worker/engine-room.ts';
import { settings } from '../training/toy-run.ts';

const modules = [{ name: 'm.to_q', inFeatures: 3, outFeatures: 2 }];
const adapter = (key: string, rank: number, alpha = rank): LoadedAdapter => ({
  ...{ key, rank, alpha },
  weights: new Map([
    ['m.to_q', { down: new Float32Array(rank * 3).fill(1), up: new Float32Array(2 * rank).fill(rank) }],
  ]),
});

/** Engines that only remember what was done to them. */
function engines() {
  const made: { spec: EngineSpec; log: string[]; lose(): void }[] = [];
  const build = async (spec: EngineSpec): Promise<UNetEngine> => {
    const log: string[] = [];
    let lose: () => void = () => {};
    const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
      lose = () => resolve({ reason: 'unknown', message: '' } as GPUDeviceLostInfo);
    });
    made.push({ spec, log, lose });
    return {
      ...{ modules, lost, flopsPerStep: 0, dispatchesPerStep: 0 },
      gpuBytes: { weights: 0, arena: 0, lora: 0, staging: 0, total: 0 },
      lend: (work) => work({ device: {} as GPUDevice, slabs: [] }),
      predict: async () => new Float32Array(),
      evaluate: async () => 0,
      step: async () => ({ step: 1, loss: 0, gradientNorm: 0, learningRate: 0, skipped: false }),
      readLora: async () => new Map(),
      writeLora: (weights: LoraWeights) => log.push(`lora ${weights.get('m.to_q')!.up[0]}`),
      async readState() {
        log.push('read');
        return { lora: Float32Array.of(7) } as TrainingState;
      },
      writeState: (state: TrainingState) => log.push(`state ${state.lora[0]}`),
      destroy: () => log.push('destroyed'),
    };
  };
  return { made, room: engineRoom(build) };
}
const nothing = async () => {};
const picture = { size: 16, weights: 'f16' } as const;

describe('the engine room', () => {
  it('keeps one engine for pictures and loads an adapter once', async () => {
    const { made, room } = engines();
    await room.draw(null, picture, nothing);
    await room.draw(adapter('a', 4), picture, nothing);
    await room.draw(adapter('a', 4), picture, nothing);
    await room.draw(null, picture, nothing);
    await room.draw(adapter('b', 2), picture, nothing);
    expect(made.length).toBe(1);
    expect(made[0]!.log).toEqual(['lora 4', 'lora 2']);
  });

  it('builds a larger one where the adapter needs it, the smaller one gone first', async () => {
    const { made, room } = engines();
    await room.draw(null, picture, nothing);
    await room.draw(adapter('a', 16), picture, nothing);
    expect(made.map((m) => m.spec.rank)).toEqual([4, 16]);
    expect(made[0]!.log).toEqual(['destroyed']);
  });

  it('leaves a run’s engine as it was, also when the picture fails', async () => {
    const { made, room } = engines();
    await room.forTraining({ ...settings, rank: 4 });
    await room.draw(null, picture, nothing);
    expect(made[0]!.log).toEqual([]);
    await expect(
      room.draw(adapter('a', 4), picture, async () => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(made[0]!.log).toEqual(['read', 'lora 4', 'state 7']);
  });

  it('draws an adapter of a larger rank beside the run', async () => {
    const { made, room } = engines();
    await room.forTraining({ ...settings, rank: 4 });
    await room.draw(adapter('a', 8), picture, nothing);
    expect(made.map((m) => m.log)).toEqual([[], ['lora 8', 'destroyed']]);
    expect(made[1]!.spec).toEqual({ rank: 8, alpha: 8, size: 16, weights: 'f16', textTokens: 77, training: null });
  });

  it('reuses the run’s engine afterwards, and loads the adapter it then needs', async () => {
    const { made, room } = engines();
    await room.draw(adapter('a', 4), picture, nothing);
    await room.forTraining({ ...settings, rank: 4 });
    room.trainingEnded();
    await room.draw(adapter('a', 4), picture, nothing);
    expect(made.map((m) => m.log)).toEqual([['lora 4', 'destroyed'], ['lora 4']]);
  });

  it('makes another for another size or other weights', async () => {
    const { made, room } = engines();
    await room.draw(null, picture, nothing);
    await room.draw(null, { ...picture, size: 32 }, nothing);
    await room.draw(null, { ...picture, size: 32, weights: 'int8' }, async (_, weights) =>
      expect(weights).toBe('int8'),
    );
    expect(made.map((m) => [m.spec.size, m.spec.weights, ...m.log])).toEqual([
      [16, 'f16', 'destroyed'],
      [32, 'f16', 'destroyed'],
      [32, 'int8'],
    ]);
  });

  it('while a run goes on, draws with the run’s weights, and another size beside it', async () => {
    const { made, room } = engines();
    await room.forTraining({ ...settings, rank: 4, weights: 'int8' });
    await room.draw(null, picture, async (_, weights) => expect(weights).toBe('int8'));
    expect(made.length).toBe(1);
    await room.draw(null, { ...picture, size: 32 }, async (_, weights) => expect(weights).toBe('int8'));
    expect(made[1]!.spec).toMatchObject({ size: 32, weights: 'int8', training: null });
    expect(made.map((m) => m.log)).toEqual([[], ['destroyed']]);
  });

  it('a trial leaves nothing behind, also when it fails', async () => {
    const { made, room } = engines();
    await room.draw(null, picture, nothing);
    expect(await room.trial(settings, async () => 3)).toBe(3);
    const fails = room.trial(settings, async () => {
      throw new Error('no');
    });
    await expect(fails).rejects.toThrow('no');
    expect(made.map((m) => m.log)).toEqual([['destroyed'], ['destroyed'], ['destroyed']]);
  });

  it('makes another after a lost device', async () => {
    const { made, room } = engines();
    await room.draw(null, picture, nothing);
    made[0]!.lose();
    await new Promise((wake) => setTimeout(wake, 1));
    await room.draw(null, picture, nothing);
    expect(made.length).toBe(2);
  });
});

describe('fitting an adapter to an engine', () => {
  /** alpha / rank · up · down, what the adapter adds to the weight. */
  function product(weights: LoraWeights, { rank, alpha }: { rank: number; alpha: number }): number[] {
    const { down, up } = weights.get('m.to_q')!;
    const sum = (o: number, i: number) =>
      Array.from({ length: rank }, (_, r) => up[o * rank + r]! * down[r * 3 + i]!).reduce((a, b) => a + b, 0);
    return [0, 1].flatMap((o) => [0, 1, 2].map((i) => (alpha / rank) * sum(o, i)));
  }
  it.each([
    [
      { rank: 2, alpha: 2 },
      { rank: 2, alpha: 2 },
    ],
    [
      { rank: 2, alpha: 1 },
      { rank: 4, alpha: 4 },
    ],
    [
      { rank: 3, alpha: 6 },
      { rank: 8, alpha: 4 },
    ],
  ])('%o in an engine of %o adds the same', (own, engine) => {
    const down = Float32Array.from({ length: own.rank * 3 }, (_, i) => Math.sin(i + 1));
    const up = Float32Array.from({ length: 2 * own.rank }, (_, i) => Math.cos(i + 1));
    const weights: LoraWeights = new Map([['m.to_q', { down, up }]]);
    const there = product(fitAdapter({ ...own, weights }, engine, modules), engine);
    for (const [i, value] of product(weights, own).entries()) expect(there[i]).toBeCloseTo(value, 6); // f32 stores
  });

  it('adds nothing to modules that the adapter leaves out', () => {
    const more = [...modules, { name: 'n.to_q', inFeatures: 1, outFeatures: 1 }];
    const weights = fitAdapter(adapter('a', 2), { rank: 4, alpha: 4 }, more);
    expect(weights.get('n.to_q')).toEqual({ down: new Float32Array(4), up: new Float32Array(4) });
  });
});
