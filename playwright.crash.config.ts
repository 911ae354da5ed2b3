// In: test/crash/. Out: the page tested as in playwright.config.ts, where a test takes minutes because the browser makes it wait: `npm run crash`.
import base from './playwright.config.ts';

export default { ...base, testDir: 'test/crash' };
