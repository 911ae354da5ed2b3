// The real Engine over a fake device, whose adapter is a hash of every dispatch: turns, a bounded queue, steps given up, errors that come late.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createEngine } from '../../src/gpu/create-engine.ts';
import type { Engine } from '../../src/gpu/engine.ts';
import { enginePrograms } from '../../src/gpu/engine-plan.ts';
import type { TrainingState } from '../../src/gpu/engine-types.ts';
import { laneOf } from '../../src/gpu/lane.ts';
import { Trouble } from '../../src/trouble.ts';
import { engineOptions, example, fakeDevice, weightsFor } from './engines.ts';
import type { Habits } from './habits.ts';

vi.setConfig({ testTimeout: 120_000 }); // on a computer that may be busy
/** So slow that a step of this tiny U-Net takes seconds and many submits. */
const SLOW = { flopsPerMs: 1e6, dispatchMs: 40 };
let end = (): void => {};
afterEach(() => {
  end();
  end = () => {};
});

async function engineOn(habits: Partial<Habits> = {}, options: { micro?: number; activations?: 'f32' | 'f16' } = {}) {
  end();
  const fake = fakeDevice(habits);
  end = fake.end;
  const all = { ...engineOptions, ...options };
  const weights = weightsFor(enginePrograms(all, 2 ** 27).weights);
  laneOf(fake.device.gpu).pace.msPerDispatch = fake.device.habits.card.dispatchMs; // as it has been learned
  const engine = await fake.time.until(createEngine(fake.device.gpu, { ...all, weights }));
  return { ...fake, engine };
}
type OnFake = Awaited<ReturnType<typeof engineOn>>;
const state = ({ engine, time }: Pick<OnFake, 'engine' | 'time'>): Promise<TrainingState> =>
  time.until(engine.readState());
async function undisturbed(steps: number, micro = 1): Promise<TrainingState> {
  const on = await engineOn({}, { micro });
  for (let i = 0; i < steps; i++) await on.time.until(on.engine.step(samples(i, micro)));
  return state(on);
}
const samples = (step: number, micro = 1) => Array.from({ length: micro }, (_, i) => example(10 * step + i));

describe('the fake device shows what goes wrong', () => {
  test('the same steps end in the same adapter; other inputs, another order or a step twice do not', async () => {
    const adapter = (order: number[]) =>
      engineOn().then(async (on) => {
        for (const i of order) await on.time.until(on.engine.step(samples(i)));
        return (await state(on)).lora;
      });
    const right = await adapter([0, 1]);
    expect(await adapter([0, 1])).toEqual(right);
    for (const wrong of [[1, 0], [0], [0, 1, 1], [0, 2]]) expect(await adapter(wrong)).not.toEqual(right);
  });

  test('a dispatch that is left out changes the adapter', async () => {
    const right = await undisturbed(1);
    const on = await engineOn();
    (on.engine.program('train').commands as unknown[]).splice(40, 1);
    await on.time.until(on.engine.step(samples(0)));
    expect((await state(on)).lora).not.toEqual(right.lora);
    expect(on.device.kernels.strays).toBeGreaterThan(0);
  });
});

describe('turns', () => {
  test('steps, pictures, measurements, reads and writes asked for at once come out as one after another', async () => {
    const slow = { card: SLOW };
    const alone = await engineOn(slow);
    const first = await alone.time.until(alone.engine.step(samples(0)));
    const seen = await state(alone);
    const picture = await alone.time.until(alone.engine.predict(example(7), 1));
    const loss = await alone.time.until(alone.engine.evaluate(example(8), 1));
    const second = await alone.time.until(alone.engine.step(samples(1)));
    const together = await engineOn(slow);
    const { engine } = together;
    const all = await together.time.until(
      Promise.all([
        engine.step(samples(0)),
        engine.readState(),
        engine.predict(example(7), 1),
        engine.evaluate(example(8), 1),
        engine.step(samples(1)),
      ]),
    );
    expect(all).toEqual([first, seen, picture, loss, second]);
    expect(await state(together)).toEqual(await state(alone));
    expect(together.device.kernels.strays).toBe(0);
    expect(together.device.errors).toEqual([]);
  });

  test('what is written while a step is submitted piece by piece comes after it', async () => {
    const on = await engineOn({ card: SLOW });
    const before = await state(on);
    const step = on.engine.step(samples(0));
    on.engine.writeState(before);
    await on.time.until(step);
    expect(await state(on)).toEqual(before);
  });

  test('two steps in flight, one dispatch a submit, every answer late: the same adapter', async () => {
    const right = await undisturbed(3);
    const on = await engineOn({
      card: { flopsPerMs: 1e3, dispatchMs: 160 },
      answers: { everyMs: 100, atSubmits: false },
    });
    await on.time.until(Promise.all([0, 1, 2].map((i) => on.engine.step(samples(i)))));
    expect(on.device.queue.submits.filter((s) => s.dispatches === 1).length).toBeGreaterThan(500);
    expect(await state(on)).toEqual(right);
  });
});

test.each(['f16', 'int8'] as const)(
  'never more than 8 submits are under way, uploads of %s weights included',
  async (weightStorage) => {
    const fake = fakeDevice({ queue: { blocksAt: 64, leastMs: 150 } });
    end = fake.end;
    const options = { ...engineOptions, weightStorage };
    const weights = weightsFor(enginePrograms(options, 2 ** 27).weights);
    const { time, device } = fake;
    const engine: Engine = await time.until(createEngine(device.gpu, { ...options, weights }));
    await time.until(Promise.all([0, 1].map((i) => engine.step(samples(i)))));
    expect(device.queue.submits.length).toBeGreaterThan(weightStorage === 'int8' ? 30 : 4);
    expect(Math.max(...device.queue.submits.map((s) => s.outstanding))).toBeLessThanOrEqual(8);
  },
);

describe('a step given up', () => {
  const slow: Partial<Habits> = { card: SLOW };

  test.each([0, 1, 300, 1500, 4000, 9000])(
    'after %d ms and redone: answered within a second, bitwise the undisturbed run',
    async (afterMs) => {
      for (const micro of [1, 2]) {
        const right = await undisturbed(3, micro);
        const on = await engineOn(slow, { micro });
        await on.time.until(on.engine.step(samples(0, micro)));
        const stop = new AbortController();
        const running = on.engine.step(samples(1, micro), stop.signal);
        let askedAt = 0;
        setTimeout(() => {
          askedAt = on.time.ms;
          stop.abort(new Error('given up'));
        }, afterMs);
        const outcome = await on.time.until(
          running.then(
            () => 'taken',
            (error: Error) => error.message,
          ),
        );
        expect(outcome).toBe('given up');
        expect(on.time.ms - askedAt).toBeLessThanOrEqual(200);
        await on.time.until(on.engine.predict(example(9), 1));
        if (outcome === 'given up') await on.time.until(on.engine.step(samples(1, micro)));
        await on.time.until(on.engine.step(samples(2, micro)));
        expect(await state(on)).toEqual(right);
      }
    },
  );

  test('the GPU is free within a second of it', async () => {
    const on = await engineOn(slow);
    await on.time.until(on.engine.step(samples(0)));
    const stop = new AbortController();
    const running = on.engine.step(samples(1), stop.signal);
    setTimeout(() => stop.abort(), 2000);
    await expect(on.time.until(running)).rejects.toMatchObject({ name: 'AbortError' });
    const begun = on.time.ms;
    await on.time.until(on.device.queue.onSubmittedWorkDone());
    expect(on.time.ms - begun).toBeLessThanOrEqual(1000);
  });

  test('the step before it, submitted whole, counts; one that is submitted whole cannot be given up', async () => {
    const right = await undisturbed(2);
    const on = await engineOn(slow);
    const stop = new AbortController();
    const [first, second] = [on.engine.step(samples(0)), on.engine.step(samples(1), stop.signal)];
    first.then(() => stop.abort());
    const outcomes = await on.time.until(Promise.allSettled([first, second]));
    expect(outcomes.map((o) => o.status)).toEqual(['fulfilled', 'rejected']);
    await on.time.until(on.engine.step(samples(1), AbortSignal.any([])));
    stop.abort();
    expect(await state(on)).toEqual(right);
  });

  test('control: gradients that are not cleared, as a step that fails leaves them, change the adapter', async () => {
    const right = await undisturbed(1, 2);
    const on = await engineOn({}, { micro: 2 });
    await on.time.until(on.engine.program('train').submit());
    await on.time.until(on.engine.step(samples(0, 2)));
    expect(await state(on)).not.toEqual(right);
  });
});

describe('errors are heard', () => {
  const outcome = async (on: OnFake, work: Promise<unknown>) =>
    on.time.until(
      work.then(
        () => null,
        (error: unknown) => error,
      ),
    );

  test('a submit that the driver drops stops the run as a refusal with the message; nothing of that step is handed on', async () => {
    const on = await engineOn({ card: SLOW });
    on.device.habits = { ...on.device.habits, lateError: { submit: on.device.queue.submits.length + 5, afterMs: 20 } };
    const error = await outcome(on, on.engine.step(samples(0)));
    expect(error).toBeInstanceOf(Trouble);
    expect(error).toMatchObject({ code: 'gpu-refused', facts: { message: 'the driver dropped a submit' } });
    for (const ask of [
      () => on.engine.readState(),
      () => on.engine.predict(example(1), 1),
      () => on.engine.evaluate(example(1), 1),
    ])
      expect(await outcome(on, ask())).toBe(error);
  });

  test('an error that is the beginning of a loss is told as the loss', async () => {
    const on = await engineOn({ card: SLOW });
    on.device.habits = { ...on.device.habits, lateError: { submit: on.device.queue.submits.length + 5, afterMs: 20 } };
    const told: unknown[] = [];
    void on.engine.lost.then((info) => told.push(info.reason));
    on.device.addEventListener('uncapturederror', () => setTimeout(() => on.device.lose('unknown', 'reset'), 200));
    const error = await outcome(on, on.engine.step(samples(0)));
    expect(error).not.toBeInstanceOf(Trouble);
    expect(told).toEqual(['unknown']);
  });
});

test('32 held-out losses are read at once, and are those of one after another', async () => {
  const on = await engineOn();
  const draws = Array.from({ length: 32 }, (_, i) => example(i));
  const one: number[] = [];
  for (const draw of draws) one.push(await on.time.until(on.engine.evaluate(draw, 1)));
  let maps = 0;
  for (const slot of [0, 1, 2]) {
    const buffer = on.engine.buffers.get(`readback:${slot}`) as GPUBuffer;
    const map = buffer.mapAsync.bind(buffer);
    buffer.mapAsync = (...args) => {
      maps++;
      return map(...args);
    };
  }
  expect(await on.time.until(Promise.all(draws.map((draw) => on.engine.evaluate(draw, 1))))).toEqual(one);
  expect(maps).toBe(1);
  expect(new Set(one).size).toBe(32);
});

test('on a slow card losses are told as they come, not all at the end', async () => {
  const on = await engineOn({ card: SLOW });
  const at: number[] = [];
  await on.time.until(
    Promise.all(Array.from({ length: 8 }, (_, i) => on.engine.evaluate(example(i), 1).then(() => at.push(on.time.ms)))),
  );
  expect(new Set(at).size).toBeGreaterThan(3);
});
