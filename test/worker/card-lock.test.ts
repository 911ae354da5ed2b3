// The lock between tabs, over Web Locks and a channel written down in a few lines: one tab has the card, an idle one lets go, a refusal says why.
import { describe, expect, it } from 'vitest';
import { type CardUse, cardLock, type Doing } from '../../src/worker/card-lock.ts';
import { browserOfTabs } from './browser-of-tabs.ts';

/** A browser with tabs that log what becomes of them. */
function browser(patienceMs = 40) {
  const { locks, pending, Channel, deafen } = browserOfTabs();
  const tab = (deaf = false) => {
    const log: string[] = [];
    const letGo = async () => {
      log.push('closes');
      await wait(2);
      log.push('closed');
    };
    const lock = cardLock(letGo, { locks, Channel, patienceMs });
    if (deaf) deafen();
    let end = (): void => {};
    /** Something that uses the card until `end` is called. */
    const begin = (doing: Doing, use?: CardUse) => {
      const work = lock.use(
        doing,
        () =>
          new Promise<void>((resolve) => {
            log.push(doing);
            end = resolve;
          }),
        use,
      );
      work.catch(() => {});
      return work;
    };
    return { lock, log, begin, end: () => end() };
  };
  return { tab, pending };
}
const wait = (ms: number) => new Promise((wake) => setTimeout(wake, ms));

describe('the card between tabs', () => {
  it('is kept by a tab that has drawn, and let go when another asks: engine closed first', async () => {
    const { tab } = browser();
    const [a, b] = [tab(), tab()];
    await a.lock.use('drawing', async () => {});
    await a.lock.use('drawing', async () => {});
    expect(a.log).toEqual([]);
    await b.lock.use('training', async () => {
      expect(a.log).toEqual(['closes', 'closed']);
    });
    await a.lock.use('drawing', async () => {});
    expect(b.log).toEqual(['closes', 'closed']);
  });

  it.each(['training', 'drawing', 'measuring'] as const)(
    'a tab that is %s keeps it, and the refusal says so',
    async (doing) => {
      const { tab, pending } = browser();
      const [a, b] = [tab(), tab()];
      const work = a.begin(doing);
      await wait(5);
      await expect(b.lock.use('drawing', async () => {})).rejects.toMatchObject({
        code: 'another-tab',
        facts: { doing },
      });
      expect(pending).toEqual([]); // nothing is left that waits
      expect(a.log).toEqual([doing]);
      a.end();
      await work;
      await b.lock.use('drawing', async () => {});
    },
  );

  it('a picture beside a training is still told as the training', async () => {
    const { tab } = browser();
    const [a, b] = [tab(), tab()];
    void a.begin('drawing');
    void a.begin('training');
    await wait(5);
    await expect(b.lock.use('drawing', async () => {})).rejects.toMatchObject({ facts: { doing: 'training' } });
  });

  it('what begins by itself waits in silence until the other has ended; a press beside it is refused', async () => {
    const { tab } = browser();
    const [a, b] = [tab(), tab()];
    const drawing = a.begin('drawing');
    await wait(5);
    let drawn = false;
    const unasked = b.lock.use(
      'drawing',
      async () => {
        drawn = true;
      },
      { unasked: true },
    );
    await expect(b.lock.use('measuring', async () => {})).rejects.toMatchObject({ code: 'another-tab' });
    await wait(60);
    expect(drawn).toBe(false);
    a.end();
    await drawing;
    await unasked;
    expect(a.log).toEqual(['drawing', 'closes', 'closed']);
  });

  it('a wait that is given up ends with its reason and asks no more', async () => {
    const { tab, pending } = browser();
    const [a, b] = [tab(), tab()];
    void a.begin('training');
    await wait(5);
    const stop = new AbortController();
    const unasked = b.lock.use('drawing', async () => {}, { unasked: true, signal: stop.signal });
    stop.abort(new Error('another screen'));
    await expect(unasked).rejects.toThrow('another screen');
    expect(pending).toEqual([]);
  });

  it('a press waits a moment: what the other does may just be ending', async () => {
    const { tab } = browser();
    const [a, b] = [tab(), tab()];
    void a.begin('drawing');
    await wait(5);
    setTimeout(() => a.end(), 10);
    expect(await b.lock.use('training', async () => 'begun')).toBe('begun');
  });

  it('a tab that hears nothing, as a frozen one, is refused for without a reason', async () => {
    const { tab } = browser();
    const [frozen, b] = [tab(true), tab()];
    await frozen.lock.use('drawing', async () => {});
    await expect(b.lock.use('training', async () => {})).rejects.toMatchObject({ code: 'another-tab', facts: {} });
  });

  it('hands the work’s own failure on, and what it gives', async () => {
    const { tab } = browser();
    const { lock } = tab();
    const failure = new DOMException('the work', 'TimeoutError');
    await expect(lock.use('drawing', () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await lock.use('drawing', async () => 3)).toBe(3);
  });

  it('simply runs where there are no locks', async () => {
    const lock = cardLock(async () => {}, { locks: undefined, Channel: undefined });
    expect(await lock.use('drawing', async () => 1)).toBe(1);
  });
});
