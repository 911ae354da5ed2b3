// Where we are: the hash, its screen, and the way there. Back works because the address is the state.
/** The five steps. */
export const screens = ['model', 'photos', 'name', 'train', 'compare'] as const;
/** What an address may name: the steps, and what lies beside them; to the bench nobody is led. */
const places = [...screens, 'library', 'models', 'bench'] as const;
export type Screen = (typeof places)[number];
const key = 'darkroom.screen';

export class Route {
  screen = $state<Screen>('model');
  /** Of the five; −1 beside them. */
  readonly step = $derived((screens as readonly Screen[]).indexOf(this.screen));

  constructor() {
    // A returning user without an address lands where they left.
    const start = read(location.hash) ?? read(remembered()) ?? 'model';
    if (read(location.hash) !== start) history.replaceState(null, '', `#/${start}`);
    this.screen = start;
  }

  /** Follows the address until the returned function is called. */
  follow(): () => void {
    const onHash = () => {
      const next = read(location.hash);
      if (!next) return history.replaceState(null, '', `#/${this.screen}`);
      this.screen = next;
      if (next === 'bench') return scrollTo(0, 0); // no place to come back to
      try {
        localStorage.setItem(key, next);
      } catch {
        // Private windows may refuse; the address alone is enough.
      }
      scrollTo(0, 0);
    };
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }

  go(screen: Screen): void {
    location.hash = `#/${screen}`;
  }
}

function read(hash: string): Screen | null {
  const name = hash.replace(/^#\/?/, '');
  return places.find((screen) => screen === name) ?? null;
}
function remembered(): string {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}
