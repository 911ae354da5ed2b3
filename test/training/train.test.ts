// The loop around a toy U-Net: what happens at which step, and that nothing but the seed decides the adapter.
import { describe, expect, it } from 'vitest';
import { train } from '../../src/training/train.ts';
import { Trouble } from '../../src/trouble.ts';
import { toyRun } from './toy-run.ts';

describe('train', () => {
  it('measures, keeps and draws at 0, every fifth step and the end; saves every 50', async () => {
    const run = toyRun({ steps: 12 });
    const ended = await train(run.training);
    expect(ended.state).toBe('done');
    expect(run.previews).toEqual([0, 5, 10, 12]);
    expect([...run.moments.keys()]).toEqual([5, 10, 12]);
    expect(ended.history.heldOut.map((h) => h.step)).toEqual([0, 5, 10, 12]);
    expect(ended.history.moments).toEqual([5, 10, 12]);
    expect(ended.history.losses.length).toBe(12);
    expect(run.kinds().slice(0, 4)).toEqual(['held-out 0', 'saved 0', 'step 1', 'step 2']);
    const long = toyRun({ steps: 120, previewEvery: 0 });
    await train(long.training);
    expect(long.saved.map((s) => s.step)).toEqual([0, 50, 100, 120]);
    expect([...long.moments.keys()]).toEqual([120]);
  });

  it('learns: the held-out loss at the end is below the first', async () => {
    const run = toyRun({ steps: 60 });
    const { history } = await train(run.training);
    expect(history.heldOut.at(-1)!.loss).toBeLessThan(history.heldOut[0]!.loss);
  });

  it('has two steps in flight, never more', async () => {
    const run = toyRun();
    await train(run.training);
    expect(run.toy.mostInFlight()).toBe(2);
  });

  it('is decided by the seed alone', async () => {
    const adapter = async (seed: number, disturb: boolean) => {
      const run = toyRun({ seed, steps: 20, batch: 2 });
      if (disturb) {
        run.hooks.onEvent = (event) => {
          if (event.kind !== 'step') return;
          if (event.step === 7) run.controls.pause();
          if (event.step === 12) void run.controls.atBoundary(async () => {});
          run.clock.ms += 11_000; // saves every third step
        };
        const timer = setInterval(() => run.controls.resume(), 3);
        await train(run.training);
        clearInterval(timer);
        expect(run.saved.length).toBeGreaterThan(8); // 0, 5, 10, 15, 20, the pause's and those of the clock
      } else await train(run.training);
      return { lora: run.moments.get(20)!, log: run.toy.log };
    };
    const quiet = await adapter(7, false);
    expect(await adapter(7, true)).toEqual(quiet);
    expect((await adapter(8, false)).lora).not.toEqual(quiet.lora);
  });

  it('saves no oftener than costs a hundredth of its time', async () => {
    const saves = async (ms: number) => {
      const run = toyRun({ steps: 400, previewEvery: 0, heldOutDraws: 1 });
      run.hooks.onSave = async () => {
        run.clock.ms += ms;
      };
      run.hooks.onEvent = ({ kind }) => {
        if (kind === 'step') run.clock.ms += 100;
      };
      await train(run.training);
      return run.saved.map(({ step }) => step);
    };
    expect(await saves(0)).toEqual([0, 50, 100, 150, 200, 250, 300, 350, 400]); // every 5 s
    expect(await saves(100)).toEqual([0, 100, 200, 300, 400]); // not before 10 s
  });

  it('goes on from any save to the same adapter and the same losses', async () => {
    const whole = toyRun({ steps: 20 });
    const { history } = await train(whole.training);
    const from = whole.saved.find((s) => s.step === 10)!;
    const again = toyRun({ steps: 20 });
    const resumed = await train({ ...again.training, from });
    expect(again.kinds()[0]).toBe('resumed 10');
    expect(again.kinds()[1]).toBe('step 11');
    expect(again.previews).toEqual([15, 20]);
    expect(resumed.history).toEqual(history);
    expect(again.moments.get(20)).toEqual(whole.moments.get(20));
  });

  it('goes on past its end when more steps are asked for', async () => {
    const first = toyRun({ steps: 10 });
    await train(first.training);
    const more = toyRun({ steps: 15 });
    const ended = await train({ ...more.training, from: first.saved.at(-1)! });
    expect(ended.history.moments).toEqual([5, 10, 15]);
    expect(ended.history.losses.length).toBe(15);
  });
});

describe('hands on the run', () => {
  it('stops at a boundary and keeps what was trained, measured', async () => {
    const run = toyRun({ steps: 100 });
    run.hooks.onEvent = (event) => {
      if (event.kind === 'step' && event.step === 7) run.controls.stop();
    };
    const ended = await train(run.training);
    expect(ended.state).toBe('stopped');
    const step = ended.history.step;
    expect(step).toBeGreaterThanOrEqual(7);
    expect(step).toBeLessThanOrEqual(8); // one more may have been in flight
    expect(ended.history.moments).toEqual([5, step]);
    expect(ended.history.heldOut.at(-1)!.step).toBe(step);
    expect(run.saved.at(-1)!.step).toBe(step);
  });

  it('pauses: saved first, errands done meanwhile, then on', async () => {
    const run = toyRun({ steps: 9 });
    const drawn: string[] = [];
    run.hooks.onEvent = (event) => {
      if (event.kind === 'step' && event.step === 3) run.controls.pause();
      if (event.kind === 'paused')
        setTimeout(async () => {
          drawn.push(await run.controls.atBoundary(async () => 'picture'));
          expect(run.controls.paused).toBe(true);
          run.controls.resume();
        }, 5);
    };
    await train(run.training);
    expect(drawn).toEqual(['picture']);
    const kinds = run.kinds();
    const at = kinds.findIndex((k) => k.startsWith('paused'));
    const step = kinds[at]!.split(' ')[1];
    expect(kinds.slice(at - 1, at + 2)).toEqual([`saved ${step}`, `paused ${step}`, `resumed ${step}`]);
  });

  it('draws between steps with none in flight, and a failed picture fails its asker only', async () => {
    const run = toyRun({ steps: 9 });
    const failure = run.controls.atBoundary(async () => {
      throw new Error('no picture');
    });
    const caught = expect(failure).rejects.toThrow('no picture');
    const ended = await train(run.training);
    await caught;
    expect(ended.state).toBe('done');
  });

  it('can be stopped while paused', async () => {
    const run = toyRun({ steps: 9 });
    run.hooks.onEvent = (event) => {
      if (event.kind === 'step' && event.step === 3) run.controls.pause();
      if (event.kind === 'paused') setTimeout(() => run.controls.stop(), 2);
    };
    const ended = await train(run.training);
    expect(ended.state).toBe('stopped');
    expect(ended.history.moments).toEqual([ended.history.step]);
  });
});

describe('trouble', () => {
  it('goes back to the last good save when the loss is no number, keeps it and says so', async () => {
    const run = toyRun({ steps: 20 }, { steps: (n) => (n === 12 ? 'nan' : undefined) });
    const trouble = await train(run.training).catch((e: unknown) => e);
    expect(trouble).toBeInstanceOf(Trouble);
    expect(trouble).toMatchObject({ code: 'numbers-ran-away', facts: { step: 13, keptStep: 10 } });
    const quiet = toyRun({ steps: 10 });
    await train(quiet.training);
    expect((await run.toy.unet.readLora()).get('toy')).toEqual(quiet.moments.get(10)!.get('toy'));
  });

  it('keeps the last good save as a moment even where it was no milestone', async () => {
    const run = toyRun({ steps: 100, previewEvery: 0 }, { steps: (n) => (n === 60 ? 'nan' : undefined) });
    await expect(train(run.training)).rejects.toMatchObject({ facts: { step: 61, keptStep: 50 } });
    expect([...run.moments.keys()]).toEqual([50]);
    expect(run.saved.at(-1)!.heldOut.map((h) => h.step)).toEqual([0, 50]);
  });

  it('takes a skipped step for no step, and sixteen in a row for trouble', async () => {
    const some = toyRun({ steps: 10 }, { steps: (n) => (n === 0 || n === 4 ? 'skip' : undefined) });
    const ended = await train(some.training);
    expect(ended.history.step).toBe(10);
    expect(ended.history.attempt).toBe(12);
    expect(ended.history.losses.length).toBe(10);
    const all = toyRun({ steps: 40 }, { steps: (n) => (n >= 5 ? 'skip' : undefined) });
    await expect(train(all.training)).rejects.toMatchObject({ code: 'numbers-ran-away', facts: { keptStep: 5 } });
  });

  it.each([
    ['f16', 'overflow', true], // was: a lower learning rate usually cures it
    ['f32', 'overflow', undefined],
    ['f16', 'skip', undefined], // only gradients overflowed
  ] as const)('a forward pass in %s that is not finite (%s): overflow %s', async (activations, wrong, overflow) => {
    const run = toyRun({ steps: 40, activations }, { steps: (n) => (n >= 5 ? wrong : undefined) });
    const trouble = (await train(run.training).catch((e: unknown) => e)) as Trouble<'numbers-ran-away'>;
    expect([trouble.code, trouble.facts.keptStep, trouble.facts.overflow]).toEqual(['numbers-ran-away', 5, overflow]);
  });

  it('pauses when the disk is full and goes on when there is room', async () => {
    const run = toyRun({ steps: 8 });
    let full = false;
    run.hooks.onSave = async () => {
      if (full) throw new Trouble('disk-full', { neededBytes: 10, freeBytes: 1 });
    };
    run.hooks.onEvent = (event) => {
      if (event.kind === 'step' && event.step === 4) full = true;
      if (event.kind === 'paused')
        setTimeout(() => {
          full = false;
          run.controls.resume();
        }, 2);
    };
    const ended = await train(run.training);
    expect(run.events).toContainEqual({ kind: 'not-saved', step: 5, keptStep: 0 });
    expect(ended.state).toBe('done');
    expect(ended.history.moments).toEqual([5, 8]);
  });
});
