// What the page has shown as kept, in; after a reload, what of it is missing, out.
import type { Page } from '@playwright/test';
import { button, compareLink, en } from '../e2e/way.ts';

/** One session's, over all its tabs. */
export class Beliefs {
  /** File names on the sheet, ready and at rest. */
  readonly photos = new Set<string>();
  /** The highest step that was shown as saved, of the run of now. */
  savedStep = 0;
  /** How often a run that has ended was seen: tells whether a session got anywhere. */
  ended = 0;

  /** How often a run was put away, and what each tab knows of it: one that still shows an earlier run need not show it after a reload. */
  #putAway = 0;
  readonly #knows = new WeakMap<Page, number>();

  /** The run of now is put away, for all tabs. */
  forgetRun(): void {
    this.savedStep = 0;
    this.#putAway += 1;
  }
  /** A run was begun or goes on in this tab: it is the run of now, also where another was. */
  runGoesOn(page: Page): void {
    if (!this.#upToDate(page)) this.forgetRun();
    this.#knows.set(page, this.#putAway);
  }
  /** The tab was just opened or loaded again: it shows the run of now. */
  loaded(page: Page): void {
    this.#knows.set(page, this.#putAway);
  }
  #upToDate(page: Page): boolean {
    return this.#knows.get(page) === this.#putAway;
  }

  get inWords(): string {
    return `${this.photos.size} photos, step ${this.savedStep} saved, ${this.ended} times a run that had ended`;
  }

  /** Looks at what is on screen and takes note. Nothing is noted while something is still on its way. */
  async note(page: Page): Promise<void> {
    const shown = await readSheet(page);
    if (shown && !shown.reading) for (const name of shown.ready) this.photos.add(name);
    const saved = await savedStep(page);
    if (saved !== null && this.#upToDate(page)) this.savedStep = Math.max(this.savedStep, saved);
    if (await compareLink(page).isVisible()) this.ended += 1;
  }

  /** Goes through the screens of a page that was just loaded. Throws with what is missing. */
  async check(page: Page): Promise<void> {
    await page.goto('./#/photos');
    const want = [...this.photos];
    const missing = await until(page, 20_000, async () => {
      const shown = await readSheet(page);
      const gone = shown ? want.filter((name) => !shown.ready.includes(name)) : want;
      return { done: gone.length === 0, value: gone };
    });
    if (missing.length > 0) throw new Error(`photos that were kept are missing: ${missing.join(', ')}`);
    if (this.savedStep === 0) return;
    await page.goto('./#/train');
    const step = await until(page, 60_000, async () => {
      if (await compareLink(page).isVisible()) return { done: true, value: Number.POSITIVE_INFINITY };
      const reached = Math.max((await savedStep(page)) ?? 0, (await waitingStep(page)) ?? 0);
      return { done: reached >= this.savedStep, value: reached };
    });
    if (step < this.savedStep) throw new Error(`step ${this.savedStep} was saved; the page shows ${step}`);
  }
}

/** null: the sheet is not on screen. */
async function readSheet(page: Page): Promise<{ ready: string[]; reading: boolean } | null> {
  const labels = await page.locator('[data-frame]').evaluateAll((all) => all.map((one) => one.ariaLabel ?? ''));
  if (labels.length === 0) return null;
  const found = labels.map((label) => /^Photo \d+, (.+?), (in use|left out|reading|cannot be used)/.exec(label));
  const of = (state: RegExp) => found.flatMap((m) => (m && state.test(m[2] as string) ? [m[1] as string] : []));
  return { ready: of(/in use|left out/), reading: of(/reading/).length > 0 };
}

/** The step that the run's numbers name as saved; null where they are not on screen. */
async function savedStep(page: Page): Promise<number | null> {
  const facts = page.getByLabel(en.train.facts).first();
  if (!(await facts.isVisible())) return null;
  const text = (await facts.textContent()) ?? '';
  const found = /\bstep ([\d,]+)/.exec(text);
  return found ? Number((found[1] as string).replaceAll(',', '')) : null;
}

/** The step that the page offers to go on from. */
async function waitingStep(page: Page): Promise<number | null> {
  const offer = button(page, /^Continue from step/);
  if (!(await offer.isVisible())) return null;
  return Number((await offer.textContent())?.replace(/\D/g, ''));
}

/** Asks until it is done or the time is over; the last value. */
async function until<T>(page: Page, ms: number, ask: () => Promise<{ done: boolean; value: T }>): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const { done, value } = await ask();
    if (done || Date.now() > end) return value;
    await page.waitForTimeout(200);
  }
}
