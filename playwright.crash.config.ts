// In: test/crash/. Out: the page tested as in playwright.config.ts, where a test takes minutes because the browser makes it wait: `npm run crash`.
import base from './playwright.config.ts';

const PORT = 4181; // its own: it may run beside the others

export default {
  ...base,
  testDir: 'test/crash',
  use: { ...base.use, baseURL: `http://localhost:${PORT}/` },
  webServer: {
    ...base.webServer,
    command: `node tools/run.mjs tools/start.ts -- --port ${PORT}`,
    url: `http://localhost:${PORT}/`,
    timeout: 300_000, // it may have to be built
  },
};
