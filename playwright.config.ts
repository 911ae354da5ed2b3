// In: test/e2e/. Out: the page tested in the system's Chromium on software WebGPU, served from dist/ as a newcomer gets it.
import { defineConfig } from '@playwright/test';
import { CHROMIUM_FLAGS, findChromium } from './tools/chromium.ts';

const PORT = 4179;
const executablePath = findChromium();

export default defineConfig({
  testDir: 'test/e2e',
  outputDir: 'test-results',
  fullyParallel: false,
  workers: 1, // software WebGPU takes all cores as it is
  forbidOnly: process.env.CI === 'true',
  retries: 0,
  timeout: 150_000,
  expect: { timeout: 20_000 },
  use: {
    baseURL: `http://localhost:${PORT}/`,
    viewport: { width: 1280, height: 800 },
    launchOptions: { ...(executablePath ? { executablePath } : {}), args: CHROMIUM_FLAGS },
    screenshot: 'only-on-failure',
    actionTimeout: 20_000,
  },
  webServer: {
    command: `node tools/run.mjs tools/start.ts -- --port ${PORT}`,
    url: `http://localhost:${PORT}/`,
    reuseExistingServer: false,
    stdout: 'ignore',
    gracefulShutdown: { signal: 'SIGTERM', timeout: 2000 },
  },
});
