// What a restless person does, one function each: a page in; whatever could be done, done. A control that is not there is simply not pressed.
import type { Locator, Page } from '@playwright/test';
import { button, en, pasteSettings } from '../e2e/way.ts';
import type { Beliefs } from './beliefs.ts';
import { goodPhotos, type Input, someFiles } from './inputs.ts';
import type { Random } from './random.ts';

export interface Scene {
  page: Page;
  beliefs: Beliefs;
  random: Random;
}
export interface Action {
  name: string;
  weight: number;
  act(scene: Scene): Promise<unknown>;
}

const SCREENS = ['model', 'photos', 'name', 'train', 'compare'] as const;
const PRESS_MS = 1500;

export const ACTIONS: Action[] = [
  { name: 'go somewhere', weight: 4, act: async ({ page, random }) => goTo(page, random.one(SCREENS)) },
  {
    name: 'go on to train',
    weight: 3,
    act: async ({ page }) => goTo(page, 'train'),
  },
  {
    name: 'drop files',
    weight: 4,
    async act({ page, random }) {
      if (random.chance(0.7)) await goTo(page, 'photos');
      await dropFiles(page, someFiles(random));
    },
  },
  { name: 'wait', weight: 2, act: async ({ page, random }) => page.waitForTimeout(random.below(2000)) },
  {
    name: 'remove a photo',
    weight: 1,
    async act({ page, beliefs, random }) {
      const one = await somePhoto(page, random);
      if (!one) return;
      await one.focus({ timeout: PRESS_MS });
      // Which one that is now: another tab's photos may have come between.
      const label = await page.evaluate(() => document.activeElement?.ariaLabel ?? '');
      const name = /^Photo \d+, (.+?), /.exec(label)?.[1];
      await page.keyboard.press('Delete');
      if (name) beliefs.photos.delete(name);
      if (random.chance(0.5)) await press(page, en.app.undo);
    },
  },
  {
    name: 'write a caption',
    weight: 1,
    async act({ page, random }) {
      const one = await somePhoto(page, random);
      if (!one) return;
      await one.click({ timeout: PRESS_MS });
      const field = page.getByLabel(en.photos.caption).first();
      if (await field.isVisible())
        await field.fill(random.one(['', 'aawxbc figurine on a table', '🧸', 'x '.repeat(99)]));
    },
  },
  {
    name: 'put a photo in or out',
    weight: 1,
    async act({ page, random }) {
      const one = await somePhoto(page, random);
      if (!one) return;
      await one.focus({ timeout: PRESS_MS });
      await one.press(' ', { timeout: PRESS_MS });
    },
  },
  {
    name: 'name it',
    weight: 2,
    async act({ page, random }) {
      await goTo(page, 'name');
      const field = page.getByLabel(en.name.identifier, { exact: true });
      await field.fill(random.one(['aawxbc', 'zwx', '', '코끼리', '🧸']), { timeout: PRESS_MS });
      await page
        .getByLabel(en.name.noun, { exact: true })
        .fill(random.one(['figurine', 'toy', '']), { timeout: PRESS_MS });
    },
  },
  {
    name: 'paste settings',
    weight: 2,
    async act({ page, random }) {
      await shortRun(page, random);
    },
  },
  {
    name: 'start',
    weight: 6,
    async act({ page, beliefs }) {
      await goTo(page, 'train');
      if (!(await press(page, en.train.start))) return;
      beliefs.forgetRun();
      beliefs.runGoesOn(page);
    },
  },
  { name: 'pause', weight: 2, act: ({ page }) => onTrain(page, en.train.pause) },
  { name: 'continue', weight: 3, act: ({ page }) => onTrain(page, en.train.goOn) },
  { name: 'continue a stored run', weight: 3, act: (scene) => goOn(scene, /^Continue from step/) },
  { name: 'stop and keep', weight: 1, act: ({ page }) => onTrain(page, en.train.stopAndKeep) },
  { name: 'preview now', weight: 1, act: ({ page }) => onTrain(page, en.train.previewNow) },
  { name: 'train more', weight: 1, act: (scene) => goOn(scene, /^Train \d+ more/) },
  {
    name: 'a new run',
    weight: 1,
    async act({ page, beliefs, random }) {
      await goTo(page, 'train');
      const way = random.one([en.train.startNew, en.train.newRun, en.train.discard, en.train.toSettings]);
      if (await press(page, way)) beliefs.forgetRun();
    },
  },
  {
    name: 'draw a picture',
    weight: 1,
    async act({ page, random }) {
      await goTo(page, 'compare');
      if ((await press(page, en.compare.make)) && random.chance(0.5)) await press(page, en.compare.stop);
    },
  },
  {
    name: 'draw the baseline',
    weight: 1,
    async act({ page }) {
      await goTo(page, 'name');
      await press(page, en.name.draw);
    },
  },
  {
    name: 'download',
    weight: 1,
    async act({ page }) {
      await goTo(page, 'compare');
      await press(page, /^Download/);
    },
  },
];

/** As most people come: a handful of photos, a name, and settings that end soon. What is done at random then happens around a run. */
export async function firstSteps({ page, random }: Scene): Promise<void> {
  await goTo(page, 'photos');
  await dropFiles(page, goodPhotos(random, 3 + random.below(3)));
  await goTo(page, 'name');
  await page.getByLabel(en.name.identifier, { exact: true }).fill('aawxbc');
  await page.getByLabel(en.name.noun, { exact: true }).fill('figurine');
  await shortRun(page, random);
}

async function shortRun(page: Page, random: Random): Promise<void> {
  await goTo(page, 'train');
  const advanced = page.getByText(en.train.advanced, { exact: true });
  const settings = { steps: 20 + random.below(60), previewEvery: random.one([0, 5, 20]), previewSteps: 1, rank: 1 };
  try {
    if (!(await advanced.isVisible())) return; // a run stands in its place
    await pasteSettings(page, { ...settings, heldOutDraws: 2 });
    await advanced.click({ timeout: PRESS_MS });
  } catch {
    // A run has come in its place meanwhile, maybe another tab's.
  }
}

export async function goTo(page: Page, screen: (typeof SCREENS)[number]): Promise<void> {
  await page.evaluate((to) => {
    location.hash = `#/${to}`;
  }, screen);
  await page.waitForTimeout(50);
}

/** One of those on the sheet; null where there are none. */
async function somePhoto(page: Page, random: Random): Promise<Locator | null> {
  await goTo(page, 'photos');
  const frames = page.locator('[data-frame]');
  const count = await frames.count();
  return count === 0 ? null : frames.nth(random.below(count));
}

async function onTrain(page: Page, name: string | RegExp): Promise<boolean> {
  await goTo(page, 'train');
  return press(page, name);
}

async function goOn({ page, beliefs }: Scene, name: RegExp): Promise<void> {
  if (await onTrain(page, name)) beliefs.runGoesOn(page);
}

/** Presses a button if there is one that can be pressed; whether it was. */
async function press(page: Page, name: string | RegExp): Promise<boolean> {
  const found = button(page, name).first();
  if (!(await found.isVisible()) || !(await found.isEnabled())) return false;
  try {
    await found.click({ timeout: PRESS_MS });
    return true;
  } catch {
    return false; // it went away, or something lay over it: a person would not have hit it either
  }
}

/** As the browser does when files are let go over the window. */
async function dropFiles(page: Page, files: Input[]): Promise<void> {
  const sent = files.map(({ name, bytes }) => ({ name, base64: bytes.toString('base64') }));
  await page.evaluate((given) => {
    const data = new DataTransfer();
    for (const { name, base64 } of given) {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      data.items.add(new File([bytes], name));
    }
    const over = { dataTransfer: data, bubbles: true, cancelable: true };
    for (const kind of ['dragenter', 'dragover', 'drop']) document.body.dispatchEvent(new DragEvent(kind, over));
  }, sent);
}
