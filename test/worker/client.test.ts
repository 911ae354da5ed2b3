// StudioClient over a message channel in the worker's place: answers, troubles with their facts, aborts, callbacks, a worker that breaks.
import * as Comlink from 'comlink';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Trouble } from '../../src/trouble.ts';
import { StudioClient } from '../../src/worker/client.ts';
import { installErrorTransfer } from '../../src/worker/errors.ts';
import type { WireStudio } from '../../src/worker/wire.ts';

installErrorTransfer(); // the worker's side does the same; here both sides share one Comlink

/** A Worker whose other end is `studio`, in this thread. */
function workerOf(studio: Partial<WireStudio>) {
  const { port1, port2 } = new MessageChannel();
  Comlink.expose({ begin: async () => {}, ...studio }, port2);
  port1.start();
  const worker = Object.assign(port1, { terminate: vi.fn(() => port1.close()) });
  return worker as unknown as Worker & { terminate: ReturnType<typeof vi.fn> };
}
const open: { close(): void }[] = [];
function clientOf(...studios: Partial<WireStudio>[]) {
  const workers = studios.map(workerOf);
  let next = 0;
  const client = new StudioClient(() => workers[next++]!);
  open.push(client);
  return { client, workers };
}
afterEach(() => {
  vi.useRealTimers();
  for (const client of open.splice(0)) client.close();
});
const never = new AbortController().signal;

describe('answers', () => {
  it('hands on what the worker answers and hears its progress', async () => {
    const { client } = clientOf({
      openModel: async (_, modelId, onProgress) => {
        onProgress({ phase: 'opening-model', done: 1, total: 2 });
        return {
          id: modelId,
          name: 'Demo',
          bytes: 1,
          version: '',
          resolution: 128,
          sizes: [128],
          source: '',
          licence: '',
        };
      },
    });
    const heard: number[] = [];
    const info = await client.openModel(never, 'demo', ({ done }) => heard.push(done));
    expect(info.name).toBe('Demo');
    await vi.waitFor(() => expect(heard).toEqual([1]));
  });

  it('brings a Trouble over whole, an abort as an abort, a bug with its message', async () => {
    const { client } = clientOf({
      runs: async () => {
        throw new Trouble('disk-full', { neededBytes: 10, freeBytes: 3 }, 'no room');
      },
      adapters: async () => {
        throw new DOMException('stopped', 'AbortError');
      },
      loadProject: async () => {
        throw new TypeError('x is not a function');
      },
    });
    const trouble = await client.runs().catch((e: unknown) => e);
    expect(trouble).toBeInstanceOf(Trouble);
    expect(trouble).toMatchObject({ code: 'disk-full', facts: { neededBytes: 10, freeBytes: 3 }, message: 'no room' });
    const abort = await client.adapters().catch((e: unknown) => e);
    expect(abort).toBeInstanceOf(DOMException);
    expect(abort).toMatchObject({ name: 'AbortError' });
    const bug = await client.loadProject().catch((e: unknown) => e);
    expect(bug).toBeInstanceOf(Error);
    expect(bug).toMatchObject({ name: 'TypeError', message: 'x is not a function' });
  });
});

/** A worker whose draw() and train() last until they are cancelled. */
function patient(answer: 'abort' | 'summary') {
  const ends = new Map<number, () => void>();
  const wait = (ticket: number) =>
    new Promise<never>((resolve, reject) => {
      ends.set(ticket, () =>
        answer === 'abort' ? reject(new DOMException('', 'AbortError')) : resolve({ step: 7 } as never),
      );
    });
  return {
    draw: wait,
    train: wait,
    cancel: async (ticket: number) => ends.get(ticket)?.(),
  } as unknown as Partial<WireStudio>;
}

describe('signals', () => {
  it('ends a picture, and only that one', async () => {
    const { client } = clientOf(patient('abort'));
    const [first, second] = [new AbortController(), new AbortController()];
    const one = client.draw(first.signal, {} as never, () => {});
    const two = client.draw(second.signal, {} as never, () => {});
    let secondEnded = false;
    two.catch(() => {
      secondEnded = true;
    });
    first.abort();
    await expect(one).rejects.toMatchObject({ name: 'AbortError' });
    expect(secondEnded).toBe(false);
    second.abort();
    await expect(two).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('ends a training with what was trained', async () => {
    const { client } = clientOf(patient('summary'));
    const stop = new AbortController();
    const run = client.train(stop.signal, {} as never, () => {});
    stop.abort();
    await expect(run).resolves.toEqual({ step: 7 });
  });

  it('does not ask at all when aborted before', async () => {
    const { client } = clientOf({});
    await expect(client.draw(AbortSignal.abort(), {} as never, () => {})).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('replaces a worker that does not let go, with the same model open', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const info = {
      id: 'demo',
      name: 'Demo',
      bytes: 1,
      version: '',
      resolution: 128,
      sizes: [128],
      source: '',
      licence: '',
    };
    const opened: string[] = [];
    const openModel: WireStudio['openModel'] = async (_, id) => {
      opened.push(id);
      return info;
    };
    const hanging = { openModel, draw: () => new Promise<never>(() => {}), cancel: async () => {} };
    const { client, workers } = clientOf(hanging, { openModel, suggestIdentifier: async () => 'aawxbc' });
    await client.openModel(never, 'demo', () => {});
    const stop = new AbortController();
    const picture = client.draw(stop.signal, {} as never, () => {});
    stop.abort();
    vi.advanceTimersByTime(31_000);
    await expect(picture).rejects.toMatchObject({ name: 'AbortError' });
    expect(workers[0]!.terminate).toHaveBeenCalled();
    expect(await client.suggestIdentifier()).toBe('aawxbc');
    expect(opened).toEqual(['demo', 'demo']);
  });
});

describe('a worker that breaks', () => {
  it('fails what waits for it', async () => {
    const { client, workers } = clientOf({ inspect: () => new Promise<never>(() => {}) });
    const waiting = client.inspect();
    workers[0]!.dispatchEvent(Object.assign(new Event('error'), { message: 'syntax' }));
    await expect(waiting).rejects.toThrow('syntax');
  });
});
