// Word of a saved project in; the same word in every other tab of this page out. Where a browser has no such channel, a tab asks when it is looked at.
export interface TabTalk {
  /** To the others, never to this one. */
  say(revision: number): void;
  hear(listen: (revision: number) => void): void;
}

export function tabTalk(Channel: typeof BroadcastChannel | undefined = globalThis.BroadcastChannel): TabTalk {
  const channel = Channel ? new Channel('darkroom-project') : null;
  return {
    say: (revision) => channel?.postMessage(revision),
    hear: (listen) => {
      if (channel) channel.onmessage = ({ data }: MessageEvent<unknown>) => typeof data === 'number' && listen(data);
    },
  };
}
