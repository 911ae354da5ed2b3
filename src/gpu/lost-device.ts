// lost-device: the promise of a device's loss in; a guard for whatever is asked of the device out: Trouble 'device-lost' once it is gone.
import { Trouble } from '../trouble.ts';

const NOTICE_MS = 250; // a call on a lost device may fail before `lost` is told

/** What `ask` comes to. `signal`: its own reason is handed on at once, as what was given up did not fail. */
export type OrLost = <T>(ask: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** Rejects with Trouble 'device-lost' whatever is asked of the device once it is lost, even what would wait forever. */
export function orLost(lost: Promise<GPUDeviceLostInfo>): OrLost {
  const waiting = new Set<(trouble: Trouble) => void>();
  let gone: Trouble | null = null;
  const noticed = lost.then((info) => {
    gone = new Trouble('device-lost', { reason: info.message || info.reason });
    for (const reject of waiting) reject(gone);
  });
  return <T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (gone) return reject(gone);
      waiting.add(reject);
      ask()
        .then(resolve, async (error: unknown) => {
          if (signal?.aborted && error === signal.reason) return reject(error);
          await Promise.race([noticed, new Promise((wake) => setTimeout(wake, NOTICE_MS))]);
          reject(gone ?? error);
        })
        .finally(() => waiting.delete(reject));
    });
}
