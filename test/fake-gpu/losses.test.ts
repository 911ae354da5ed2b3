// Devices that are lost at any call, adapters that are not there yet or held back: the real run over the fake GPU ends done by itself, bitwise the
// undisturbed run, or says what it is.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { findAdapter } from '../../src/gpu/device.ts';
import { runSpec } from '../../src/worker/engine-room.ts';
import { fakeTab, kinds, liveRun, type RunOptions, settings } from './runs.ts';

vi.setConfig({ testTimeout: 300_000 });
const toldMs = 40;
/** An honest run, and how many calls its device had had when engine and steps were made. */
const calls = { made: 0, saved: new Map<number, number>(), all: 0 };
const honest = liveRun([{}], {
  onEvent(event, { gpu }) {
    const [device] = gpu.devices;
    if (event.kind === 'saved') calls.saved.set(event.step, device?.calls ?? 0);
    else if (!calls.made) calls.made = device?.calls ?? 0;
  },
}).then((ran) => {
  calls.all = ran.gpu.devices[0]?.calls ?? 0;
  return ran;
});
const lostAt = (call: number) => ({ loss: { call, toldMs } });
/** What a device has gone through that made an engine and took so many steps after it went on from step 0. */
const callsOf = (step: number): number => calls.saved.get(step) as number;

async function endsDone(answers: Parameters<typeof liveRun>[0], options?: RunOptions) {
  const [quiet, ran] = [await honest, await liveRun(answers, options)];
  expect(ran.outcome).toBe('done');
  expect(ran.state).toEqual(quiet.state);
  return ran;
}

describe('a device that is lost', () => {
  test('at any call, engine making included: done, bitwise', async () => {
    await honest;
    expect(calls.made).toBeGreaterThan(100);
    const places = [2, 5, 20, 60, calls.made - 2, calls.made + 1, callsOf(2) - 9, callsOf(4) + 7, calls.all - 3];
    for (const call of places) {
      const { gpu } = await endsDone([lostAt(call), {}]);
      expect(gpu.devices.map((d) => d.isLost)).toEqual([true, true]); // the second when all was closed
      expect(gpu.devices[0]?.lostAt).not.toBe(null);
    }
  });

  test('while its speed is measured, too', async () => {
    const nameless = { info: { vendor: '', architecture: '', device: '', description: '' } };
    for (const call of [12, 30]) {
      const ran = await liveRun([{ ...nameless, ...lostAt(call) }, nameless]);
      expect(ran.outcome).toBe('done');
      expect(kinds(ran).slice(0, 1)).toEqual(['device-lost 0']);
    }
  });

  test('five times with saves in between: the count starts anew with each', async () => {
    await honest;
    const change = { previewEvery: 1, steps: 12 };
    const after = lostAt(callsOf(2)); // each goes on for a step or two, and saves them
    const [quiet, often] = [await liveRun([{}], { change }), await liveRun([...Array(5).fill(after), {}], { change })];
    expect(often.gpu.devices).toHaveLength(6);
    expect(often.outcome).toBe('done');
    expect(often.state).toEqual(quiet.state);
  });

  test('four times at one place: said, with what is kept', async () => {
    await honest;
    const early = lostAt(calls.made - 4);
    const ran = await liveRun([early, early, early, early, {}]);
    expect([ran.outcome, ran.facts]).toEqual(['device-lost', { reason: 'the driver was reset', step: 0 }]);
  });
});

describe('graphics that the browser holds back after two losses', () => {
  const twice = () => [lostAt(callsOf(2) + 5), lostAt(calls.made + 3), {}];
  const heldBack = async (onHeld: Required<RunOptions>['onEvent']) => {
    await honest;
    let held = false;
    return liveRun(twice(), {
      blocks: true,
      onEvent(event, hands) {
        if (event.kind !== 'held-back' || held) return;
        held = true;
        onHeld(event, hands);
      },
    });
  };

  test('are asked for again after 1, 10 and 125 s, and the run goes on by itself', async () => {
    await honest;
    const ran = await endsDone(twice(), { blocks: true });
    const told = kinds(ran);
    expect(told).toContain('held-back 2');
    expect(told).not.toContain('no-adapter');
    const second = ran.gpu.devices[1]?.lostAt as number;
    expect(ran.gpu.devices).toHaveLength(3);
    expect(ran.gpu.asked.filter((at) => at > second).length).toBeLessThanOrEqual(16);
    expect(ran.time.ms - second).toBeLessThan(140_000);
  });

  test('Pause and Stop are answered meanwhile', async () => {
    const paused = await heldBack((_, { controls }) => {
      setTimeout(() => controls.pause(), 7000);
      setTimeout(() => controls.resume(), 300_000);
    });
    expect(kinds(paused).join()).toContain('paused 2,resumed 2');
    expect(paused.outcome).toBe('done');
    expect(paused.state).toEqual((await honest).state);

    let stoppedAt = 0;
    const stopped = await heldBack((_, { controls, time }) => {
      setTimeout(() => {
        stoppedAt = time.ms;
        controls.stop();
      }, 40_000);
    });
    expect([stopped.outcome, stopped.facts]).toEqual(['graphics-held', { step: 2 }]);
    expect(stopped.time.ms - stoppedAt).toBeLessThan(1000);
  });

  test('a picture asked for meanwhile is told so, not kept waiting', async () => {
    let told: unknown = null;
    const ran = await heldBack((_, { controls, engines }) => {
      const picture = controls.atBoundary(() => engines.draw(null, { size: 64, weights: 'f16' }, async () => {}));
      picture.catch((error: unknown) => {
        told = error;
      });
    });
    expect(told).toMatchObject({ code: 'graphics-held' });
    expect(ran.outcome).toBe('done');
  });

  test('for ever: said as what it is, never as turned off', async () => {
    await honest;
    const ran = await liveRun([lostAt(callsOf(4) + 7), null]);
    expect([ran.outcome, ran.facts]).toEqual(['graphics-held', { step: 4 }]);
    expect(ran.time.ms).toBeGreaterThan(125_000);
  });
});

describe('an adapter that is not there yet', () => {
  let end = (): void => {};
  afterEach(() => end());

  test('is asked for again before anyone is told: once null, then a run', async () => {
    const ran = await endsDone([null, {}]);
    expect(ran.gpu.asked).toHaveLength(2);
    await endsDone([null, null, null, {}]);
    await endsDone(['no device', {}]); // an adapter whose process is gone when the device is asked of it
  });

  test('a look at the page’s beginning waits for it too', async () => {
    const tab = fakeTab([null, null, {}]);
    end = tab.end;
    expect(await tab.time.until(findAdapter(tab.gpu.gpu))).not.toBe(null);
    expect(tab.gpu.asked.map(Math.round)).toEqual([0, 300, 1000]);
  });

  test('one that never comes is told after three seconds', async () => {
    const tab = fakeTab([null]);
    end = tab.end;
    await expect(tab.time.until(findAdapter(tab.gpu.gpu))).rejects.toMatchObject({ code: 'no-adapter' });
    expect(tab.gpu.asked.map(Math.round)).toEqual([0, 300, 1000, 3000]);
  });
});

test('the loss of a device that was put away does not forget the one in its place', async () => {
  const tab = fakeTab([{}, {}, {}]);
  const { time, gpu, unets } = tab;
  try {
    await time.until(unets.build(runSpec(settings)));
    gpu.devices[0]?.error('a binding was wrong'); // the next engine gets a device of its own
    await time.until(new Promise((wake) => setTimeout(wake, 1000)));
    await time.until(unets.build(runSpec(settings)));
    gpu.devices[0]?.lose('unknown', 'late');
    await time.until(unets.build(runSpec(settings)));
    expect(gpu.devices).toHaveLength(2);
  } finally {
    tab.end();
  }
});
