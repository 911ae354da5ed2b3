// Light or dark: the system's, until the toggle says otherwise; remembered.
import { MediaQuery } from 'svelte/reactivity';

export type ThemeName = 'light' | 'dark';
const key = 'darkroom.theme';

export class Theme {
  #own = $state<ThemeName | null>(
    document.documentElement.dataset.theme === 'dark'
      ? 'dark'
      : document.documentElement.dataset.theme === 'light'
        ? 'light'
        : null,
  );
  readonly #systemDark = new MediaQuery('prefers-color-scheme: dark');
  readonly current: ThemeName = $derived(this.#own ?? (this.#systemDark.current ? 'dark' : 'light'));

  toggle(): void {
    this.#own = this.current === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset.theme = this.#own;
    try {
      localStorage.setItem(key, this.#own);
    } catch {
      // Not remembered in a private window; still shown.
    }
  }
}
