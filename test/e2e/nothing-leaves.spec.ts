// In: a visitor, and another host that listens. Out: nothing is asked of any other host, and neither the page nor its worker can ask.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type Page, test, type Worker } from '@playwright/test';
import { plainHost } from './plain-host.ts';
import {
  button,
  compareLink,
  en,
  GPU_MS,
  makePicture,
  pasteSettings,
  startTraining,
  takeSamples,
  toName,
  toPhotos,
  toTraining,
} from './way.ts';

let other: Server;
let asked: string[];
test.beforeEach(async () => {
  asked = [];
  other = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.end('heard');
  });
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
});
test.afterEach(() => {
  other.close();
  other.closeAllConnections();
});

const elsewhere = (host = '127.0.0.1') => `http://${host}:${(other.address() as AddressInfo).port}/photo`;
const studio = async (page: Page): Promise<Worker> => {
  await expect.poll(() => page.workers().some((worker) => worker.url().includes('studio.worker'))).toBe(true);
  return page.workers().find((worker) => worker.url().includes('studio.worker')) as Worker;
};
/** What becomes of a request from inside. */
const send = (from: Pick<Worker, 'evaluate'>): Promise<string> =>
  from.evaluate(
    (url) =>
      fetch(url).then(
        (answer) => answer.text(),
        (error: Error) => error.name,
      ),
    elsewhere(),
  );

/** The other host is there, and without the policy it would hear. */
async function control(page: Page): Promise<void> {
  await page.goto(elsewhere('localhost')); // the same server by another name: another origin, and no policy
  expect(await send(page)).toBe('heard');
  expect(asked.filter((path) => path === '/photo')).toHaveLength(2);
}

test('under the host’s headers neither the page nor the studio worker reaches another host', async ({ page }) => {
  await page.goto('./'); // npm start sends them, as `_headers` does elsewhere
  expect(await send(page)).toBe('TypeError');
  expect(await send(await studio(page))).toBe('TypeError');
  expect(asked).toEqual([]);
  await control(page);
});

test('on a host without headers the service worker binds the studio worker too', async ({ page }) => {
  const host = await plainHost('/');
  try {
    await page.goto(`http://localhost:${host.port}/`);
    expect(await send(page)).toBe('TypeError'); // the page's own <meta>
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload();
    expect(await send(await studio(page))).toBe('TypeError');
    expect(asked).toEqual([]);
    await control(page);
  } finally {
    await host.close();
  }
});

test('the whole way with the demo model asks nothing of any other host, from the first visit on', async ({
  browser,
}) => {
  test.setTimeout(3 * GPU_MS);
  const host = await plainHost('/');
  const context = await browser.newContext({ baseURL: `http://localhost:${host.port}/` });
  const outside: string[] = [];
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (/^https?:$/.test(url.protocol) && url.port !== String(host.port)) outside.push(request.url());
  });
  const page = await context.newPage();
  const forbidden: string[] = [];
  page.on('console', (message) => /Content Security Policy/.test(message.text()) && forbidden.push(message.text()));
  try {
    await toPhotos(page);
    await takeSamples(page);
    await toName(page, 8);
    await toTraining(page);
    await pasteSettings(page, { steps: 2, previewEvery: 0, previewSteps: 1, heldOutDraws: 1 });
    await startTraining(page);
    await compareLink(page).click({ timeout: GPU_MS });
    await makePicture(page, 2, 1);
    await page.goto('./#/model');
    await expect(button(page, en.model.next).or(page.getByRole('link', { name: en.model.next }))).toBeVisible();
    expect(outside).toEqual([]);
    expect(forbidden).toEqual([]); // nor did anything try
  } finally {
    await context.close();
    await host.close();
  }
});
