// Workers that hang: ended, said so, and the training goes on in a new one; what is merely slow, paused or asleep is left alone.
import { Worker as Thread } from 'node:worker_threads';
import * as Comlink from 'comlink';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TrainEvent } from '../../src/training/events.ts';
import { StudioClient } from '../../src/worker/client.ts';
import { installErrorTransfer } from '../../src/worker/errors.ts';

installErrorTransfer();
const { setTimeout: realTimeout } = globalThis;
const messages = () => new Promise((passed) => realTimeout(passed, 3)); // they cross in real time
/** Awake minutes, tick by tick. */
async function pass(minutes: number): Promise<void> {
  for (let tick = 0; tick < minutes * 12; tick++) {
    vi.advanceTimersByTime(5000);
    await messages();
  }
}

let trains = 0;
/** Until a worker has been told to train, and what it says at once has arrived. */
async function begun(): Promise<void> {
  for (let i = 0; trains === 0 && i < 1000; i++) await messages();
  trains = 0;
  await messages();
}

type Act = (on: (event: TrainEvent) => void) => Promise<unknown>;
const never = () => new Promise<never>(() => {});
const summary = { step: 12 };
/** A worker that trains like `act`. `deaf`: it does not even answer a ping once it trains. */
function worker(act: Act, { deaf = false, log = [] as string[] } = {}) {
  const { port1, port2 } = new MessageChannel();
  let training = false;
  const studio = {
    begin: async () => {},
    ping: () => (deaf && training ? never() : Promise.resolve()),
    cancel: async () => {},
    openModel: async (_: number, id: string) => {
      log.push(`open ${id}`);
      return { id };
    },
    train: async (_: number, __: unknown, on: (event: TrainEvent) => void) => {
      log.push('train');
      trains += 1;
      training = true;
      return act(on);
    },
    pause: async () => void log.push('pause'),
    stop: async () => void log.push('stop'),
    draw: never,
    tokens: async () => ({ pieces: [] }),
  };
  Comlink.expose(studio, port2);
  port1.start();
  return Object.assign(port1, { terminate: vi.fn(() => port1.close()) }) as unknown as Worker;
}
const steps = (on: (event: TrainEvent) => void, from: number, count: number, msPerStep = 100) => {
  for (let step = from + 1; step <= from + count; step++)
    on({ kind: 'step', step, loss: 1, learningRate: 1, gradientNorm: 1, msPerStep, msLeft: 0 });
};
/** Trains five steps, saves the fourth, and says no more. */
const standsStill: Act = async (on) => {
  steps(on, 0, 4);
  on({ kind: 'saved', step: 4 });
  steps(on, 4, 1);
  return never();
};
const finishes: Act = async (on) => {
  on({ kind: 'resumed', step: 4 });
  return summary;
};
const signal = new AbortController().signal;
const job = { runId: 'run' } as never;

let clients: StudioClient[] = [];
function training(...workers: Worker[]) {
  let made = 0;
  const client = new StudioClient(() => workers[made++] as Worker);
  clients.push(client);
  const events: TrainEvent[] = [];
  const begin = () => {
    const ended = client
      .openModel(signal, 'demo', () => {})
      .then(() => client.train(signal, job, (event) => events.push(event)));
    ended.catch(() => {}); // awaited at its test's end
    return ended;
  };
  return { client, events, begin, made: () => made, workers };
}
const ended = (one: Worker): number => (one.terminate as ReturnType<typeof vi.fn>).mock.calls.length;

describe('a worker that hangs in the middle of a run', () => {
  beforeEach(() => {
    trains = 0;
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    for (const client of clients) client.close();
    clients = [];
    vi.useRealTimers();
  });

  it.each([
    ['spins and answers nothing', true],
    ['answers, but its GPU never does', false],
  ])('%s: ended after a minute, said so, and the run goes on from its last saved step', async (_, deaf) => {
    const log: string[] = [];
    const run = training(worker(standsStill, { deaf }), worker(finishes, { log }));
    const done = run.begin();
    await begun();
    await pass(0.9);
    expect(ended(run.workers[0]!)).toBe(0);
    await pass(0.4);
    expect(ended(run.workers[0]!)).toBe(1);
    await expect(done).resolves.toEqual(summary);
    expect(log).toEqual(['open demo', 'train']);
    expect(run.events.slice(-2)).toEqual([
      { kind: 'no-answer', step: 4 },
      { kind: 'resumed', step: 4 },
    ]);
  });

  it('one that spins before anything is timed is ended after three minutes', async () => {
    const run = training(worker(never, { deaf: true }), worker(finishes));
    const done = run.begin();
    await begun();
    await pass(2.8);
    expect(ended(run.workers[0]!)).toBe(0);
    await pass(0.4);
    await expect(done).resolves.toEqual(summary);
  });

  it('encoding a photo for 12 minutes, steps of four minutes, a pause of hours: none of them is hanging', async () => {
    for (const slowly of [
      async (on: (event: TrainEvent) => void) => {
        on({ kind: 'progress', progress: { phase: 'encoding-photos', done: 1, total: 9 } });
        return never();
      },
      async (on: (event: TrainEvent) => void) => {
        steps(on, 0, 9, 240_000);
        return never();
      },
      async (on: (event: TrainEvent) => void) => {
        steps(on, 0, 9);
        on({ kind: 'paused', step: 9 });
        return never();
      },
    ]) {
      const run = training(worker(slowly));
      void run.begin();
      await begun();
      await pass(12);
      expect(ended(run.workers[0]!)).toBe(0);
    }
  }, 30_000);

  it('a night asleep is not silence, and a hang is still noticed a minute after waking', async () => {
    const run = training(worker(standsStill, { deaf: true }), worker(finishes));
    const done = run.begin();
    await begun();
    await pass(0.5);
    const { now } = performance;
    const slept = vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 8 * 3_600_000);
    await pass(0.1);
    expect(ended(run.workers[0]!)).toBe(0);
    await pass(0.6);
    slept.mockRestore();
    await expect(done).resolves.toEqual(summary);
  });

  it('four times in a row without a save between them is the end, with what is safe', async () => {
    const again: Act = async (on) => {
      on({ kind: 'resumed', step: 4 });
      return standsStill(on);
    };
    const run = training(...[standsStill, again, again, again].map((act) => worker(act)), worker(finishes));
    const done = run.begin();
    await begun();
    await pass(6);
    await expect(done).rejects.toMatchObject({ code: 'no-answer', facts: { step: 4 } });
    expect(run.made()).toBe(4);
    expect((await run.client.tokens('a', 'b')).pieces).toEqual([]); // and the page goes on in a fifth, its model open
  }, 30_000);

  it('a pause that it did not live to hear is told to the next; a stop is not gone on from', async () => {
    const log: string[] = [];
    const paused = training(worker(standsStill), worker(never, { log }));
    void paused.begin();
    await begun();
    void paused.client.pause();
    await pass(1.3);
    expect(log).toEqual(['open demo', 'train', 'pause']);
    const stopped = training(worker(standsStill), worker(finishes));
    const done = stopped.begin();
    await begun();
    void stopped.client.stop();
    await pass(1.3);
    await expect(done).rejects.toMatchObject({ code: 'no-answer', facts: { step: 4 } });
  });

  it('a picture that does not let go is given up after half a minute, and the training beside it lives (it was once ended, unsaid)', async () => {
    const run = training(worker(never));
    void run.begin();
    await begun();
    const stop = new AbortController();
    const picture = run.client.draw(stop.signal, {} as never, () => {});
    picture.catch(() => {});
    await messages();
    stop.abort();
    await pass(0.6);
    await expect(picture).rejects.toMatchObject({ name: 'AbortError' });
    expect(ended(run.workers[0]!)).toBe(0);
  });

  it('ended by hand, it rejects as aborted at once, and what is asked next finds the model open', async () => {
    const log: string[] = [];
    const run = training(worker(never, { deaf: true }), worker(never, { log }));
    const done = run.begin();
    await begun();
    run.client.startAgain();
    await expect(done).rejects.toMatchObject({ name: 'AbortError' });
    await run.client.tokens('a', 'b');
    expect(log).toEqual(['open demo']);
  });
});

/** A thread of its own as a Worker: nothing it does keeps the page's side from ending it. */
function thread(body: string): Worker & { exited: Promise<number> } {
  const made = new Thread(body, { eval: true });
  made.on('error', () => {});
  const listeners = new Map<unknown, (data: unknown) => void>();
  const target = {
    exited: new Promise<number>((resolve) => made.on('exit', resolve)),
    postMessage: (data: unknown, transfer: never[] = []) => made.postMessage(data, transfer),
    terminate: () => void made.terminate(),
    addEventListener(type: string, listener: (event: { data: unknown }) => void) {
      if (type !== 'message') return;
      const hear = (data: unknown) => listener({ data });
      listeners.set(listener, hear);
      made.on('message', hear);
    },
    removeEventListener(_: string, listener: unknown) {
      const hear = listeners.get(listener);
      if (hear) made.off('message', hear);
    },
  };
  return target as unknown as Worker & { exited: Promise<number> };
}
const answering = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ id, path, type }) => {
    const value = path?.[0] === 'models' ? [] : undefined;
    if (path?.[0] === 'runs') for (;;) {} // spins: nothing in this thread ever runs again
    if (type === 'APPLY') parentPort.postMessage({ id, type: 'RAW', value });
  });`;

it('a real thread that spins is ended, its caller told, and the next call answered by a new one', async () => {
  const threads: ReturnType<typeof thread>[] = [];
  const make = () => {
    threads.push(thread(answering));
    return threads.at(-1) as Worker;
  };
  const client = new StudioClient(make, {
    tickMs: 50,
    unmeasured: { answerMs: 2000, newsMs: Number.POSITIVE_INFINITY },
  });
  expect(await client.models()).toEqual([]);
  await expect(client.runs()).rejects.toMatchObject({ code: 'no-answer' });
  await threads[0]!.exited;
  expect(await client.models()).toEqual([]);
  expect(threads.length).toBe(2);
  client.close();
});
