// A browser and a seed in; one restless session — tabs opened, reloaded and closed, everything pressed — and what it found wrong out.
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { button, en } from '../e2e/way.ts';
import { ACTIONS, firstSteps, goTo, type Scene } from './actions.ts';
import { Beliefs } from './beliefs.ts';
import { type Random, random } from './random.ts';

export interface Told {
  seed: number;
  did: string[];
  /** null: nothing was wrong. */
  wrong: string | null;
}

const ACTS = 40;
const REST_MS = 900; // longer than the page waits before it saves
const ANSWER_MS = 15_000; // of a page that has not frozen

export async function session(browser: Browser, url: string, seed: number): Promise<Told> {
  const rolls = random(seed);
  const did: string[] = [];
  const said: string[] = [];
  const context = await browser.newContext({
    baseURL: url,
    viewport: rolls.chance(0.3) ? { width: 390, height: 800 } : null,
  });
  context.setDefaultTimeout(10_000);
  const beliefs = new Beliefs();
  try {
    const tabs: Page[] = [await openTab(context, said, beliefs)];
    await button(tabs[0] as Page, en.model.use).click();
    if (rolls.chance(0.8)) await firstSteps({ page: tabs[0] as Page, beliefs, random: rolls });
    for (let n = 0; n < ACTS; n++) {
      const page = rolls.one(tabs);
      const name = await oneAct({ page, beliefs, random: rolls }, tabs, context, said);
      did.push(tabs.length > 1 ? `${name} (tab ${tabs.indexOf(page) + 1})` : name);
      for (const tab of tabs) await looksWell(tab, said);
    }
    did.push('the end: everything is loaded again');
    for (const tab of tabs.slice(1)) await tab.close();
    await rest(tabs[0] as Page, beliefs);
    await reload(tabs[0] as Page, beliefs);
    await looksWell(tabs[0] as Page, said);
    did.push(beliefs.inWords);
    return { seed, did, wrong: null };
  } catch (error) {
    return { seed, did, wrong: error instanceof Error ? error.message : String(error) };
  } finally {
    await context.close();
  }
}

async function oneAct(scene: Scene, tabs: Page[], context: BrowserContext, said: string[]): Promise<string> {
  const { page, beliefs, random: rolls } = scene;
  const roll = rolls.share();
  if (roll < 0.08) {
    if (rolls.chance(0.7)) await rest(page, beliefs);
    await reload(page, beliefs);
    return 'reload';
  }
  if (roll < 0.16) {
    await rest(page, beliefs);
    return 'look on';
  }
  if (roll < (tabs.length === 1 ? 0.24 : 0.18) && tabs.length < 3) {
    tabs.push(await openTab(context, said, beliefs));
    return 'open another tab';
  }
  if (roll < 0.21 && tabs.length > 1) {
    await rest(page, beliefs);
    tabs.splice(tabs.indexOf(page), 1);
    await page.close();
    return 'close the tab';
  }
  const action = weighted(rolls);
  try {
    await action.act(scene);
    return action.name;
  } catch (error) {
    // What cannot be hit in time (it moves, or something lies over it) a person misses too. Whether the page still answers is asked after every act.
    if (!(error instanceof Error && error.name === 'TimeoutError')) throw error;
    return `${action.name} (missed)`;
  }
}

function weighted(rolls: Random) {
  let at = rolls.share() * ACTIONS.reduce((sum, { weight }) => sum + weight, 0);
  for (const action of ACTIONS) {
    at -= action.weight;
    if (at < 0) return action;
  }
  throw new Error('unreachable: the weights add up');
}

async function openTab(context: BrowserContext, said: string[], beliefs: Beliefs): Promise<Page> {
  const page = await context.newPage();
  page.on('pageerror', (error) => said.push(`an error: ${error.stack ?? error.message}`));
  page.on('console', (message) => message.type() === 'error' && said.push(`console: ${message.text()}`));
  await page.goto('./');
  await page.getByRole('main').waitFor();
  beliefs.loaded(page);
  return page;
}

/** What is on the sheet is there to stay once the page has had the time to save. */
async function rest(page: Page, beliefs: Beliefs): Promise<void> {
  await goTo(page, 'photos');
  await page.waitForTimeout(REST_MS);
  await beliefs.note(page);
  await goTo(page, 'train');
  await page.waitForTimeout(300);
  await beliefs.note(page);
}

async function reload(page: Page, beliefs: Beliefs): Promise<void> {
  await page.reload();
  await page.getByRole('main').waitFor();
  beliefs.loaded(page);
  await beliefs.check(page);
}

async function looksWell(page: Page, said: string[]): Promise<void> {
  const text = await Promise.race([
    page.locator('body').textContent(),
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error('the page does not answer')), ANSWER_MS)),
  ]);
  const { title } = en.trouble({ code: 'bug', facts: { message: '' } });
  if (text?.includes(title)) throw new Error(`the page says “${title}”: ${text.slice(0, 2000)}`);
  if (said.length > 0) throw new Error(said.join('\n'));
}
