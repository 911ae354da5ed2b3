// In: which browser, and its profile where that is to stay. Out: it, headless, with WebGPU on software, driven the same way (puppeteer) in both.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, launch, type Page } from 'puppeteer-core';
import { CHROMIUM_FLAGS, findChromium, NO_CHROMIUM } from './chromium.ts';
import { downloadsTo, FIREFOX_PREFS, findFirefox, firefoxEnvironment, NO_FIREFOX } from './firefox.ts';
import { ensureChromium, ensureFirefox } from './system.ts';

export const BROWSERS = ['firefox', 'chromium'] as const;
export type BrowserName = (typeof BROWSERS)[number];

export interface OpenBrowser {
  name: BrowserName;
  browser: Browser;
  profile: string; // its folder
  downloads: string; // the folder in which it saves files
  /** A page that accepts every question; what goes wrong in it is heard by `onError`. */
  page(onError: (sentence: string) => void): Promise<Page>;
  close(): Promise<void>;
  /** Ends it at once, with all of its processes, as a crash or a power cut would: nothing is told to the page. What lies in a profile that stays, stays. */
  kill(): Promise<void>;
}

/**
 * The browser that is asked for, installed where that is ours to do. Asked for none: the faster one without a card, which is Firefox on lavapipe
 * (a step of the demo model takes a quarter of Chromium's on SwiftShader), where Linux has both. A sentence where it cannot be had.
 */
export function chooseBrowser(wanted: string | undefined): { name: BrowserName } | { missing: string } {
  const name = BROWSERS.find((one) => one === wanted);
  if (wanted !== undefined && !name) return { missing: `--browser takes ${BROWSERS.join(' or ')}, not "${wanted}"` };
  if (name === 'firefox' || (!name && process.platform === 'linux')) {
    const missing = ensureFirefox();
    if (!missing) return { name: 'firefox' };
    if (name) return { missing };
  }
  const missing = ensureChromium();
  return missing ? { missing } : { name: 'chromium' };
}

/** `profile`: a folder that stays; else one that ends with the browser. The model, the photos and the runs lie in it. */
export async function openBrowser(name: BrowserName, profile?: string): Promise<OpenBrowser> {
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-browser-'));
  const downloads = join(folder, 'downloads');
  const userDataDir = profile ?? join(folder, 'profile');
  for (const one of [downloads, userDataDir]) mkdirSync(one, { recursive: true });
  const patient = { timeout: 120_000, protocolTimeout: 0 }; // a busy machine takes a minute to start one
  const common = { headless: true, ...patient, userDataDir, defaultViewport: { width: 1280, height: 800 } };
  const browser =
    name === 'firefox'
      ? await launch({
          ...common,
          browser: 'firefox',
          protocol: 'webDriverBiDi',
          executablePath: found(findFirefox(), NO_FIREFOX),
          env: firefoxEnvironment(),
          extraPrefsFirefox: { ...FIREFOX_PREFS, ...downloadsTo(downloads) },
        })
      : await launch({
          ...common,
          executablePath: found(findChromium(), NO_CHROMIUM),
          args: CHROMIUM_FLAGS,
          downloadBehavior: { policy: 'allow', downloadPath: downloads },
        });
  return {
    ...{ name, browser, profile: userDataDir, downloads },
    async page(onError) {
      const page = await browser.newPage();
      page.on('dialog', (dialog) => void dialog.accept());
      page.on('console', (message) => message.type() === 'error' && onError(message.text()));
      page.on('pageerror', (error) => onError(error instanceof Error ? error.message : String(error)));
      return page;
    },
    async close() {
      await browser.close();
      gone(folder);
    },
    async kill() {
      const child = browser.process();
      if (!child?.pid) throw new Error(`${name} runs in no process of ours`);
      const ended = child.exitCode === null ? once(child, 'exit') : Promise.resolve();
      // The leader of its own group, as puppeteer starts it; Windows has none.
      process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
      await ended;
      gone(folder);
    },
  };
}

const gone = (folder: string): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });

function found(path: string | undefined, missing: string): string {
  if (path === undefined) throw new Error(missing);
  return path;
}
