// A lost GPU: the same adapter as without the loss, over three losses, and an end at the fourth.
import { describe, expect, it } from 'vitest';
import { learningRates } from '../../src/training/learning-rate.ts';
import { noticingLoss, trainThroughLosses } from '../../src/training/recover.ts';
import { train } from '../../src/training/train.ts';
import { settings, toyRun } from './toy-run.ts';
import { toyUnet } from './toy-unet.ts';

/** A run whose first `losses` devices break at their `at`-th step. */
function breaking(losses: number, at: number) {
  const run = toyRun({ steps: 20 });
  let made = 0;
  const makeEngine = async () => {
    const breaks = made++ < losses;
    const rates = learningRates({ ...settings, steps: 20 });
    return noticingLoss(toyUnet(rates, { steps: (n) => (breaks && n === at ? 'lose' : undefined) }).unet);
  };
  const { preview, ...rest } = run.training;
  return { run, ended: trainThroughLosses(makeEngine, { ...rest, preview: (_, step) => preview(step) }) };
}

describe('a lost device', () => {
  it('goes on from the last save to the adapter of an undisturbed run', async () => {
    const quiet = toyRun({ steps: 20 });
    const expected = await train(quiet.training);
    const { run, ended } = breaking(1, 7);
    const { history, state } = await ended;
    expect(state).toBe('done');
    expect(run.kinds()).toContain('device-lost 5');
    expect(run.kinds()).toContain('resumed 5');
    expect(history).toEqual(expected.history);
    expect(run.moments.get(20)).toEqual(quiet.moments.get(20));
  });

  it('starts over where nothing but the beginning was saved', async () => {
    const { run, ended } = breaking(1, 2);
    expect((await ended).history.losses.length).toBe(20);
    expect(run.kinds()).toContain('device-lost 0');
  });

  it('survives three and gives up at the fourth, saying what is kept', async () => {
    expect((await breaking(3, 6).ended).state).toBe('done');
    await expect(breaking(4, 2).ended).rejects.toMatchObject({
      code: 'device-lost',
      facts: { reason: 'the toy broke', step: 0 },
    });
  });

  it('hands other failures on', async () => {
    const run = toyRun();
    const { preview, ...rest } = run.training;
    const broken = async () => {
      throw new Error('no pipeline');
    };
    await expect(trainThroughLosses(broken, { ...rest, preview: (_, s) => preview(s) })).rejects.toThrow('no pipeline');
  });
});
