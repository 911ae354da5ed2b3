// One tab holds the graphics card at a time: what needs it in; the same under one lock between tabs out, or Trouble 'another-tab'. Kept with the
// engine, whose memory is what two tabs have no room for, until another tab asks.
import { Trouble } from '../trouble.ts';

/** What a tab has the card for. */
export type Doing = 'training' | 'drawing' | 'measuring';

const NAME = 'darkroom-training';
const CHANNEL = 'darkroom-card';
// A tab that was just reloaded has to let go of what it held: the browser ends its worker a moment after the new page has begun. One that is idle
// frees what it has.
const PATIENCE_MS = 3000;

/** Between tabs: who wants the card asks, who cannot let go of it says why. */
type Said = { kind: 'asks' } | { kind: 'busy'; doing: Doing };

export interface CardUse {
  /** Nobody pressed anything for it: it waits as long as it takes. */
  unasked?: boolean;
  /** Ends the waiting, with its reason. `work` looks at it itself. */
  signal?: AbortSignal;
}
export interface CardLock {
  /** Runs `work` with the card held by this tab, which any number may use at once. Rejects with Trouble 'another-tab' where another keeps it. */
  use<T>(doing: Doing, work: () => Promise<T>, use?: CardUse): Promise<T>;
}
interface Hold {
  here: Promise<void>;
  isHere: boolean;
  /** Lets go, or asks no more. */
  release(): void;
}

/** @param letGo frees what is on the card; called when nothing here uses it. Without Web Locks everything simply runs. */
export function cardLock(
  letGo: () => Promise<void>,
  { locks = globalThis.navigator?.locks, Channel = globalThis.BroadcastChannel, patienceMs = PATIENCE_MS } = {},
): CardLock {
  if (!locks || !Channel) return { use: (_, work) => work() };
  const channel = new Channel(CHANNEL);
  const say = (said: Said): void => channel.postMessage(said);
  const using: Doing[] = [];
  let waiting = 0;
  let hold: Hold | null = null;
  let others: Doing | undefined; // what another tab does with it

  channel.onmessage = ({ data }: MessageEvent<Said>) => {
    if (data.kind === 'busy') others = data.doing;
    else if (using.length === 0) void rest();
    else say({ kind: 'busy', doing: using.includes('training') ? 'training' : (using[0] as Doing) });
  };

  function acquire(): Hold {
    const stop = new AbortController();
    let free = (): void => {};
    const until = new Promise<void>((resolve) => {
      free = resolve;
    });
    let granted = (): void => {};
    const held = new Promise<void>((resolve) => {
      granted = resolve;
    });
    const request = locks.request(NAME, { signal: stop.signal }, () => {
      one.isHere = true;
      granted();
      return until;
    });
    const one: Hold = {
      isHere: false,
      here: Promise.race([held, request]), // the request ends first only where it fails
      release() {
        stop.abort();
        free(); // should it have been granted at the same moment
      },
    };
    one.here.catch(() => {}); // told to whoever waits
    return one;
  }

  /** Until the card is here: for a press only so long. */
  function patiently({ here }: Hold, { unasked, signal }: CardUse): Promise<void> {
    others = undefined;
    say({ kind: 'asks' });
    return new Promise((resolve, reject) => {
      const refuse = () => reject(new Trouble('another-tab', others ? { doing: others } : {}));
      const timer = unasked ? undefined : setTimeout(refuse, patienceMs);
      const abort = () => reject(signal?.reason);
      signal?.addEventListener('abort', abort);
      here.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      });
    });
  }

  /** Nothing here uses the card: another tab may. */
  async function rest(): Promise<void> {
    const mine = hold;
    if (!mine?.isHere || using.length > 0 || waiting > 0) return;
    hold = null; // who needs it from now on asks for it anew
    try {
      await letGo();
    } finally {
      mine.release();
    }
  }
  async function restIfAsked(): Promise<void> {
    const { pending = [] } = await locks.query();
    if (pending.some(({ name }) => name === NAME)) await rest();
  }

  return {
    async use(doing, work, use = {}) {
      use.signal?.throwIfAborted();
      hold ??= acquire();
      const mine = hold;
      waiting++;
      try {
        if (!mine.isHere) await patiently(mine, use);
        using.push(doing);
      } finally {
        waiting--;
        if (!mine.isHere && waiting === 0) {
          hold = null;
          mine.release();
        }
      }
      try {
        return await work();
      } finally {
        using.splice(using.indexOf(doing), 1);
        restIfAsked().catch((error: unknown) => console.warn(error));
      }
    },
  };
}
