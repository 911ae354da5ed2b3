// In: nothing; out: a screen that stays awake until the returned function is called. The browser lets go when the tab is hidden: asked again.
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let over = false;
  const ask = async (): Promise<void> => {
    if (over || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
    try {
      const given = await navigator.wakeLock.request('screen');
      if (over) await given.release();
      else lock = given;
    } catch {
      // Low battery or a policy: training goes on all the same.
    }
  };
  const onVisibility = (): void => void ask();
  void ask();
  document.addEventListener('visibilitychange', onVisibility);
  return () => {
    over = true;
    document.removeEventListener('visibilitychange', onVisibility);
    void lock?.release();
  };
}
