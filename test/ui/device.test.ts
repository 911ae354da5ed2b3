// User agents of real browsers in; a computer, a phone or a tablet, and whose engine, out.
import { expect, test } from 'vitest';
import { deviceOf } from '../../src/ui/device.ts';

const safari = (system: string) =>
  `Mozilla/5.0 (${system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15`;
const chrome = (system: string, more = '') =>
  `Mozilla/5.0 (${system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0${more}`;
const mac = 'Macintosh; Intel Mac OS X 10_15_7';

test.each([
  ['a Mac', safari(mac), 0, 'computer', 'Safari', true],
  ['an iPad, which says Macintosh', safari(mac), 5, 'tablet', 'Safari', true],
  ['an iPad that says so', safari('iPad; CPU OS 18_0 like Mac OS X'), 5, 'tablet', 'Safari', true],
  ['an iPhone', safari('iPhone; CPU iPhone OS 18_6 like Mac OS X'), 5, 'phone', 'Safari', true],
  [
    'Chrome on an iPhone, in name only',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/141.0 Mobile/15E148 Safari/604.1',
    ...([5, 'phone', 'Chrome', true] as const),
  ],
  ['an Android phone', chrome('Linux; Android 10; K', ' Mobile Safari/537.36'), 5, 'phone', 'Chrome', false],
  ['an Android tablet', chrome('Linux; Android 10; K', ' Safari/537.36'), 10, 'tablet', 'Chrome', false],
  [
    'a laptop with a touch screen',
    chrome('Windows NT 10.0; Win64; x64', ' Safari/537.36'),
    10,
    'computer',
    'Chrome',
    false,
  ],
  ['Edge', chrome('Windows NT 10.0; Win64; x64', ' Safari/537.36 Edg/141.0'), 0, 'computer', 'Edge', false],
  [
    'Firefox',
    'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0',
    0,
    'computer',
    'Firefox',
    false,
  ],
  ['nothing', '', 0, 'computer', '', false],
])('%s', (_, userAgent, maxTouchPoints, kind, browser, webkit) => {
  expect(deviceOf({ userAgent, maxTouchPoints })).toEqual({ kind, browser, webkit });
});
