// Pictures and runs never at the same time; aborts while waiting; nothing forgotten when a run ends.
import { describe, expect, it } from 'vitest';
import { runControls } from '../../src/training/controls.ts';
import { gpuTurns } from '../../src/worker/gpu-turns.ts';

const never = new AbortController().signal;
const tick = () => new Promise((wake) => setTimeout(wake, 1));

describe('turns on the GPU', () => {
  it('draws pictures one after another, a failed one too', async () => {
    const turns = gpuTurns();
    let busy = 0;
    const draw = async (n: number) => {
      busy += 1;
      expect(busy).toBe(1);
      await tick();
      busy -= 1;
      if (n === 1) throw new Error('one');
      return n;
    };
    const drawn = await Promise.allSettled([0, 1, 2].map((n) => turns.picture(never, () => draw(n))));
    expect(drawn.map((d) => d.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('makes pictures errands of a run, and does those that came last when it ends', async () => {
    const turns = gpuTurns();
    const controls = runControls();
    const order: string[] = [];
    const picture = (name: string) =>
      turns.picture(never, async () => {
        order.push(name);
      });
    let late: Promise<void> | undefined;
    const run = turns.training(controls, async () => {
      order.push('step');
      await tick();
      await controls.doErrands();
      late = picture('late'); // after the loop looked for the last time
      order.push('end');
    });
    await Promise.all([picture('first'), run]);
    await late;
    expect(order).toEqual(['step', 'first', 'end', 'late']);
    expect(turns.run).toBe(null);
    await picture('after');
    expect(order.at(-1)).toBe('after');
  });

  it('lets a picture that waits be aborted at once, without drawing it', async () => {
    const turns = gpuTurns();
    const stop = new AbortController();
    let drawn = false;
    const long = turns.picture(never, tick);
    const waiting = turns.picture(stop.signal, async () => {
      drawn = true;
    });
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await long;
    await tick();
    expect(drawn).toBe(false);
  });

  it('refuses a second run', async () => {
    const turns = gpuTurns();
    const run = turns.training(runControls(), tick);
    expect(() => turns.training(runControls(), tick)).toThrow('under way');
    await run;
  });
});
