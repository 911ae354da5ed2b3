// In: a tick by the user, and that a run has ended; out: the system's notification, where the browser was allowed to and nobody looks. Never asked for otherwise.
export class Bell {
  /** Ticked, and allowed. */
  on = $state(false);
  refused = $state(false);
  readonly possible = 'Notification' in globalThis;

  /** The browser asks the user now, and only now. */
  async set(wanted: boolean): Promise<void> {
    const answer = wanted ? await Notification.requestPermission() : 'default';
    this.on = answer === 'granted';
    this.refused = answer === 'denied';
  }
  ring(title: string): void {
    if (!this.on || document.visibilityState === 'visible') return;
    const told = new Notification(title, { icon: 'icons/icon-192.png' });
    told.onclick = () => focus();
  }
}
export const bell = new Bell();
