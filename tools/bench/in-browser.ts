// A browser's name in; what the page's own bench says in it, headless on its software adapter, or a sentence on what is missing out.
import { en } from '../../src/ui/messages.ts';
import { chooseBrowser, openBrowser } from '../browser.ts';
import { buildIfStale, serve } from '../build.ts';

const BUDGET_MS = 60_000;

/** Builds the page if something changed. */
export async function benchInBrowser(wanted: string): Promise<{ text: string } | { missing: string }> {
  const chosen = chooseBrowser(wanted);
  if ('missing' in chosen) return chosen;
  await buildIfStale(console.error);
  const server = await serve({ port: 4190 });
  const { browser, page: newPage, close } = await openBrowser(chosen.name);
  try {
    const page = await newPage((sentence) => console.error(`page: ${sentence}`));
    await page.goto(new URL(`?bench=${BUDGET_MS}#/bench`, server.url).href);
    const started = await page.waitForFunction(
      (label: string) => {
        const button = [...document.querySelectorAll('button')].find((one) => one.textContent?.trim() === label);
        button?.click();
        return button !== undefined;
      },
      { timeout: 60_000 },
      en.bench.start,
    );
    await started.dispose();
    const found = await page.waitForFunction(
      () => {
        const said = document.querySelector('textarea')?.value ?? document.querySelector('[role=alert]')?.textContent;
        return said ?? null;
      },
      { timeout: 20 * BUDGET_MS },
    );
    return { text: `${await browser.version()}\n\n${await found.jsonValue()}` };
  } finally {
    await close();
    await server.close();
  }
}
