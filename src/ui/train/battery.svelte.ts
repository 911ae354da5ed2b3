// In: nothing; out: whether this computer runs on its battery, as far as the browser tells (Chromium does; elsewhere it is never said).
interface Battery extends EventTarget {
  charging: boolean;
}

export class Power {
  onBattery = $state(false);

  /** Follows the plug until the returned function is called. */
  follow(): () => void {
    const over = new AbortController();
    const ask = (navigator as Navigator & { getBattery?: () => Promise<Battery> }).getBattery;
    void ask
      ?.call(navigator)
      .then((battery) => {
        const read = (): void => {
          this.onBattery = !battery.charging;
        };
        if (over.signal.aborted) return;
        read();
        battery.addEventListener('chargingchange', read, { signal: over.signal });
      })
      .catch(() => {}); // a policy may forbid it: then nothing is said
    return () => over.abort();
  }
}
