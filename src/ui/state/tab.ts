// In: the run that this tab trains; out: the same after a reload of the tab, and of no other.
const tabKey = 'darkroom.training';

/** The run this tab is training, for as long as the tab lives; reloads included. */
export const tab = {
  get: (): string | null => {
    try {
      return sessionStorage.getItem(tabKey);
    } catch {
      return null;
    }
  },
  set: (id: string | null): void => {
    try {
      if (id) sessionStorage.setItem(tabKey, id);
      else sessionStorage.removeItem(tabKey);
    } catch {
      // Without it a reload shows Continue instead of going on by itself.
    }
  },
};
