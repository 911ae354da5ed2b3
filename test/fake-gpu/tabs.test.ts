// Two tabs on fake GPUs under the real lock between them: an idle one frees engine, weights and device before the other makes its own; one that trains
// keeps them, and what begins by itself waits for it.
import { expect, test, vi } from 'vitest';
import { cardLock } from '../../src/worker/card-lock.ts';
import { browserOfTabs } from '../worker/browser-of-tabs.ts';
import { example } from './engines.ts';
import { fakeTab, settings } from './runs.ts';

vi.setConfig({ testTimeout: 120_000 });

test('whoever holds an engine holds the card; who is idle lets go of both', async () => {
  const { locks, Channel } = browserOfTabs();
  const a = fakeTab([{}]);
  const b = fakeTab([{}], false, a.time);
  const locked = (tab: typeof a) =>
    cardLock(
      async () => {
        tab.engines.close();
        tab.unets.close();
      },
      { locks, Channel },
    );
  const [lockA, lockB] = [locked(a), locked(b)];
  const picture = (tab: typeof a) =>
    tab.engines.draw(null, { size: 64, weights: 'f16' }, async (unet) => {
      await unet.predict(example(1), 0);
      return [a, b].map(({ gpu }) => gpu.devices.filter((device) => !device.isLost).length);
    });
  try {
    await a.time.until(
      (async () => {
        expect(await lockA.use('drawing', () => picture(a))).toEqual([1, 0]);
        expect(await lockA.use('drawing', () => picture(a))).toEqual([1, 0]);
        expect(a.gpu.devices).toHaveLength(1); // kept as long as nobody asks
        expect(await lockB.use('drawing', () => picture(b))).toEqual([0, 1]);

        let unasked: Promise<number[]> | null = null;
        await lockA.use('training', async () => {
          const unet = await a.engines.forTraining(settings);
          await unet.step([example(1)]);
          unasked = lockB.use('drawing', () => picture(b), { unasked: true });
          const pressed = lockB.use('measuring', () => picture(b));
          await expect(pressed).rejects.toMatchObject({ code: 'another-tab', facts: { doing: 'training' } });
          expect((await unet.step([example(2)])).step).toBe(2); // nothing was taken from it
          a.engines.trainingEnded();
        });
        expect(await unasked).toEqual([0, 1]);
      })(),
    );
  } finally {
    b.end();
    a.end();
  }
});
