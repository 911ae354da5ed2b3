// Web Locks and a channel between tabs, written down in a few lines: one lock, granted in the order asked; what a tab says all others hear a little later.

/** A browser: one lock for all its tabs, in the order asked; what one tab says on the channel all others hear a little later. */
export function browserOfTabs() {
  const pending: { name: string; grant(): void }[] = [];
  let held = false;
  const next = (): void => {
    if (held) return;
    pending.shift()?.grant();
  };
  const locks = {
    request: (name: string, { signal }: { signal: AbortSignal }, work: () => Promise<void>) =>
      new Promise<void>((resolve, reject) => {
        const one = {
          name,
          grant() {
            held = true;
            work()
              .then(resolve, reject)
              .finally(() => {
                held = false;
                next();
              });
          },
        };
        pending.push(one);
        signal.addEventListener('abort', () => {
          if (!pending.includes(one)) return;
          pending.splice(pending.indexOf(one), 1);
          reject(signal.reason);
        });
        setTimeout(next, 0);
      }),
    query: async () => ({ pending: pending.map(({ name }) => ({ name })) }),
  } as unknown as LockManager;
  const channels = new Set<{ onmessage: (event: { data: unknown }) => void }>();
  class Channel {
    onmessage = (_: { data: unknown }) => {};
    constructor() {
      channels.add(this);
    }
    postMessage(data: unknown) {
      for (const other of channels) if (other !== this) setTimeout(() => other.onmessage({ data }), 1);
    }
  }
  return {
    locks,
    pending,
    Channel: Channel as unknown as typeof BroadcastChannel,
    /** The tab that spoke up last hears nothing any more, as a frozen one. */
    deafen: () => void channels.delete([...channels].at(-1) as never),
  };
}
