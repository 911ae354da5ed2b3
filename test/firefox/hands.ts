// In: a page in either browser, driven by puppeteer. Out: what a hand does on it: press, type, choose, look, by the words that are shown.
import type { ElementHandle, Page } from 'puppeteer-core';

/** Software drawing is slow, and the machine may be busy: whatever waits for the GPU may take this long. It takes a fifth of it. */
export const GPU_MS = 240_000;
export const SOON_MS = 60_000;
const LOOK_MS = 100;

/** Asks until something other than undefined or false is answered. @throws Error with `what` where it never is. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>, timeout = SOON_MS): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`not within ${timeout / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Words as they stand, or how they begin. */
export type Words = string | { begin: string };
const say = (words: Words): string => (typeof words === 'string' ? `“${words}”` : `“${words.begin}…”`);
const is = (what: string, words: Words): string =>
  typeof words === 'string'
    ? `normalize-space(${what})="${words}"`
    : `starts-with(normalize-space(${what}),"${words.begin}")`;

/** The last that can be seen of what the XPath finds: a wide page has what a narrow one has, hidden. */
async function seen(page: Page, xpath: string, what: string, timeout?: number): Promise<ElementHandle<Element>> {
  return until(
    what,
    async () => {
      for (const one of (await page.$$(`xpath/${xpath}`)).reverse()) if (await one.isVisible()) return one;
    },
    timeout,
  );
}

/** `within`: the XPath of the part of the page that it is in. */
export async function press(page: Page, words: Words, { timeout = SOON_MS, within = '' } = {}): Promise<void> {
  const names = `(${is('.', words)} or ${is('@aria-label', words)}) and not(@disabled)`;
  const xpath = `${within}//*[self::button or self::a or self::summary][${names}]`;
  const what = `a button ${say(words)}`;
  await (await until(`${what} at rest`, async () => atRest(await seen(page, xpath, what, timeout)), timeout)).click();
}

/** The element, when it stands still: a click goes to a place, and what is measured or read may still push a button down. */
async function atRest(one: ElementHandle<Element>): Promise<ElementHandle<Element> | undefined> {
  const place = async () => JSON.stringify(await one.boundingBox());
  await one.scrollIntoView();
  const before = await place();
  await new Promise((resolve) => setTimeout(resolve, 2 * LOOK_MS));
  return before !== 'null' && (await place()) === before ? one : undefined;
}

/** Presses the label of a radio button. */
export async function choose(page: Page, words: Words): Promise<void> {
  const one = await seen(page, `//label[input[@type="radio"]][${is('.', words)}]`, `a choice ${say(words)}`);
  await one.click();
}

/** Puts `text` in the place of what stands in the field with this label. */
export async function fill(page: Page, label: string, text: string): Promise<void> {
  const labels = `//label[${is('.', { begin: label })}]`;
  const field = await seen(page, `//input[@id=${labels}/@for] | ${labels}//textarea`, `a field ${say(label)}`);
  await field.click();
  await page.evaluate(() => (document.activeElement as HTMLInputElement).select());
  await page.keyboard.type(text);
  await page.keyboard.press('Tab');
}

/** What is on the page now, as it is shown. */
export const words = (page: Page): Promise<string> =>
  page.evaluate(() => {
    // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not said
    return document.body.innerText;
  });

/** Resolves with the match as soon as the page says so. */
export async function says(page: Page, what: string | RegExp, timeout?: number): Promise<RegExpMatchArray> {
  const found = async () => {
    const text = await words(page).catch(() => ''); // between two pages
    return (typeof what === 'string' ? text.match(literally(what)) : text.match(what)) ?? undefined;
  };
  return until(`the page says ${what}`, found, timeout).catch(async (error: Error) => {
    throw new Error(`${error.message}; it says: ${await words(page).catch(() => 'nothing')}`);
  });
}

/** The element with this accessible name or alternative text, when it is there. */
export const named = (page: Page, name: Words, timeout?: number): Promise<ElementHandle<Element>> =>
  seen(page, `//*[${is('@aria-label', name)} or ${is('@alt', name)}]`, `something named ${say(name)}`, timeout);

/** CSS may write words in capitals. */
const literally = (text: string): RegExp => new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
