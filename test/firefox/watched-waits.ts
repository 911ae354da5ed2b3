// In: nothing. Out: a script for the studio's worker that tells of every wait for the GPU and every empty submit, and what it tells; the page itself knows nothing of it.
export const CHANNEL = 'watched-waits';

export interface Watched {
  /** How long each wait took that was asked for while nothing else was before the GPU; and how long after its first nudge it was answered. */
  empty: { ms: number; afterNudge: number | null }[];
  nudges: number;
}

/** Runs in the worker, as text: it may name nothing outside of itself. */
function watchWaits(channelName: string): void {
  const channel = new BroadcastChannel(channelName);
  const { submit, onSubmittedWorkDone } = GPUQueue.prototype;
  const watched: Watched = { empty: [], nudges: 0 };
  let waiting = 0;
  let busy = false; // something was submitted that no wait has seen the end of
  let nudgedAt: number | null = null;
  GPUQueue.prototype.submit = function (commands) {
    const all = [...commands];
    if (all.length > 0) busy = true;
    else if (waiting > 0) {
      watched.nudges++;
      nudgedAt ??= performance.now();
    }
    return submit.call(this, all);
  };
  GPUQueue.prototype.onSubmittedWorkDone = async function () {
    const begun = performance.now();
    const empty = !busy && waiting === 0;
    waiting++;
    nudgedAt = null;
    await onSubmittedWorkDone.call(this);
    const ended = performance.now();
    if (--waiting === 0) {
      if (empty && !busy)
        watched.empty.push({ ms: ended - begun, afterNudge: nudgedAt === null ? null : ended - nudgedAt });
      busy = false;
    }
    channel.postMessage(watched);
    return undefined;
  };
}

export const WATCH_WAITS = `(${watchWaits.toString()})(${JSON.stringify(CHANNEL)})`;
